#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "errors.h"
#include "memory_file.h"
#include "posix_only.h"
#include "temp_dir.h"
#include "ztensor/ztensor.h"

namespace zt {
namespace {

namespace fs = std::filesystem;

const std::vector<float> kData = {1, 2, 3, 4};
const std::vector<float> kOther = {5, 6, 7, 8};
const Shape kShape = {2, 2};
std::span<const float> data() { return kData; }
std::span<const float> other() { return kOther; }

Writer appending(const fs::path& path, const WriterOptions& options = {}) {
  return Writer::create(path, WriteMode::append, options);
}

// For both generations that grow.
class Revision : public testing::TestWithParam<const char*> {
 protected:
  fs::path make(const std::function<void(Writer&)>& fill) {
    const fs::path path = folder_.path() / "m.zt";
    Writer writer = Writer::create(path, {.to = GetParam(), .attributes = Value(Value::Map{{"a", 1}})});
    fill(writer);
    writer.finalize();
    return path;
  }
  test::TempDir folder_;
};

TEST_P(Revision, AddsReplacesRemovesAndRenames) {
  const fs::path path = make([](Writer& w) {
    w.add("keep", kShape, data(), {.attributes = Value(Value::Map{{"k", "v"}})});
    w.add("old", kShape, data());
    w.add("gone", kShape, data());
  });
  const Source before = open(path);
  const Bytes mapped = before.tensor("old").data().map();
  Writer writer = appending(path);
  EXPECT_EQ(writer.attributes(), Value(Value::Map{{"a", 1}}));
  EXPECT_EQ(test::code_of([&] { writer.add("old", kShape, other()); }), Code::usage);
  writer.add("old", kShape, other(), {.replace = true});
  writer.add("new", kShape, other(), {.encoding = Encoding::zstd()});
  writer.add_alias("tied", "keep");
  writer.add_alias("renamed", "gone");
  writer.remove("gone");
  EXPECT_EQ(test::code_of([&] { writer.remove("gone"); }), Code::not_found);
  writer.set_tensor_attributes("keep", Value(Value::Map{{"k", 2}}));
  writer.set_attributes(Value(Value::Map{{"b", "x"}}));
  writer.finalize();
  EXPECT_EQ(writer.attributes(), Value(Value::Map{{"b", "x"}}));

  const Source source = open(path);
  EXPECT_EQ(source.size(), 5U);
  EXPECT_EQ(source.format(), before.format());
  EXPECT_EQ(source.tensor("keep").read<float>(), kData);
  EXPECT_EQ(source.tensor("tied").read<float>(), kData);
  EXPECT_EQ(source.tensor("renamed").read<float>(), kData);
  EXPECT_EQ(source.tensor("old").read<float>(), kOther);
  EXPECT_EQ(source.tensor("new").read<float>(), kOther);
  EXPECT_EQ(source.tensor("keep").attributes(), Value(Value::Map{{"k", 2}}));
  EXPECT_EQ(source.attributes(), Value(Value::Map{{"b", "x"}}));
  EXPECT_TRUE(verify(source).findings.empty());
  EXPECT_EQ(before.tensor("gone").read<float>(), kData) << "a reader that opened the file before reads the old version";
  EXPECT_EQ(mapped.as<float>()[0], 1.0F);
}

TEST_P(Revision, TellsWhatTheFileHasAndHadWithoutOpeningIt) {
  const fs::path path = make([](Writer& w) {
    EXPECT_FALSE(w.grows());
    w.add("old", kShape, data(), {.attributes = Value(Value::Map{{"k", "v"}})});
    w.add("gone", kShape, data());
    EXPECT_TRUE(w.has("old"));
  });
  Writer writer = appending(path);
  EXPECT_TRUE(writer.grows());
  EXPECT_TRUE(writer.has("old"));
  EXPECT_TRUE(writer.has("gone"));
  EXPECT_FALSE(writer.has("new"));
  writer.remove("gone");
  writer.add("new", kShape, other());
  writer.add_alias("tied", "old");
  EXPECT_FALSE(writer.has("gone"));
  EXPECT_TRUE(writer.has("new"));
  EXPECT_TRUE(writer.has("tied"));
  writer.finalize();
  EXPECT_EQ(writer.bytes_written(), fs::file_size(path));
}

// The bytes that this process has read by system calls; empty if the system does not count them.
std::optional<std::uint64_t> bytes_read() {
  std::ifstream counts("/proc/self/io");
  std::string name;
  std::uint64_t bytes = 0;
  if (counts >> name >> bytes && name == "rchar:") return bytes;
  return std::nullopt;
}

// Decoding an index needs one read. Another read puts the new index together from pieces of the old one.
TEST_P(Revision, DecodesTheIndexOnce) {
  ZT_REPLACES_OPEN_FILES();
  if (!bytes_read()) GTEST_SKIP() << "/proc/self/io does not count reads here";
  constexpr int kTensors = 3000;
  const fs::path path = make([](Writer& w) {
    for (int i = 0; i < kTensors; ++i) w.add("a.tensor.of.some.name." + std::to_string(i), kShape, data());
  });
  const fs::path more = folder_.path() / "more.zt";
  Writer source = Writer::create(more, {.to = GetParam()});
  source.add("new", kShape, other());
  source.finalize();
  const std::uint64_t index = kTensors * 80;  // at least
  const auto read_by = [&](const std::function<void()>& work) {
    const std::uint64_t before = *bytes_read();
    work();
    return *bytes_read() - before;
  };
  const std::uint64_t opening = read_by([&] { (void)open(path); });
  EXPECT_GT(opening, index);
  const fs::path sources[] = {more};
  EXPECT_LT(read_by([&] { append_files(path, sources); }), 2 * opening + index / 2);
  EXPECT_LT(read_by([&] { remove_tensors(path, std::vector<std::string>{"new"}); }), 2 * opening + index / 2);
  EXPECT_EQ(open(path).size(), std::size_t{kTensors});
}

// On the way the offsets become longer and shorter, and with them the manifest.
TEST_P(Revision, TellsExactlyWhatCompactGivesBack) {
  ZT_REPLACES_OPEN_FILES();
  const fs::path path = make([](Writer& w) {
    w.add("first", {20000}, std::span<const float>(std::vector<float>(20000, 1.5F)));
    w.add("w", kShape, data());
    w.add_alias("tied", "w");
    w.add("empty", {0, 4}, std::span<const float>());
  });
  for (int i = 0; i < 12; ++i) {
    Writer writer = appending(path);
    writer.add("t" + std::to_string(i), kShape, i % 2 == 0 ? data() : other());
    if (i == 2) writer.add_alias("second", "t1");
    if (i == 3) writer.remove("first");
    if (i == 4) writer.add("t0", kShape, other(), {.replace = true});
    if (i == 5) writer.set_attributes(Value());
    if (i == 6) writer.set_tensor_attributes("w", Value(Value::Map{{"k", "v"}}));
    if (i == 7) writer.remove("tied");
    writer.finalize();
    const fs::path copy = folder_.path() / "copy.zt";
    fs::copy_file(path, copy, fs::copy_options::overwrite_existing);
    const CompactReport report = compact(copy);
    EXPECT_EQ(writer.reclaimable(), report.size_before - report.size_after) << "after append " << i;
  }
}

TEST_P(Revision, AddsTheAttributesItIsGivenToThoseOfTheFile) {
  const fs::path path = make([](Writer& w) { w.set_attributes(Value::Map{{"a", 1}, {"b", "old"}, {"c", 3}}); });
  const Value all = Value::Map{{"a", 1}, {"b", "new"}, {"c", 3}, {"d", true}};
  Writer writer = appending(path, {.attributes = Value::Map{{"d", true}, {"b", "new"}}});
  EXPECT_EQ(writer.attributes().encode_sorted(), all.encode_sorted());
  writer.finalize();
  EXPECT_EQ(open(path).attributes().encode_sorted(), all.encode_sorted());
  appending(path, {.attributes = Value::map()}).finalize();
  EXPECT_EQ(open(path).attributes().encode_sorted(), all.encode_sorted()) << "nothing to add";
  EXPECT_EQ(test::code_of([&] { (void)appending(path, {.attributes = Value(5)}); }), Code::usage);
}

TEST_P(Revision, MakesAFileThatIsNotThere) {
  const fs::path path = folder_.path() / "new.zt";
  Writer writer = appending(path, {.to = GetParam()});
  writer.add("w", kShape, data());
  writer.finalize();
  EXPECT_EQ(open(path).tensor("w").read<float>(), kData);
}

TEST_P(Revision, LeavesTheFileWhenGivenUp) {
  const fs::path path = make([](Writer& w) { w.add("w", kShape, data()); });
  const auto size = fs::file_size(path);
  {
    Writer writer = appending(path);
    writer.add("v", kShape, data());
    EXPECT_EQ(open(path).size(), 1U) << "whole while it grows";
  }
  EXPECT_EQ(fs::file_size(path), size);
  Writer writer = appending(path);
  writer.add("v", kShape, data());
  writer.abort();
  EXPECT_EQ(fs::file_size(path), size);
  EXPECT_EQ(open(path).size(), 1U);
}

TEST_P(Revision, RefusesASecondWriterAtOnce) {
  const fs::path path = make([](Writer& w) { w.add("w", kShape, data()); });
  Writer first = appending(path);
  try {
    (void)appending(path);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.os_error(), EWOULDBLOCK);
  }
  first.add("v", kShape, data());
  first.finalize();
  Writer second = appending(path);
  second.add("u", kShape, data());
  second.finalize();
  EXPECT_EQ(open(path).size(), 3U);
}

TEST_P(Revision, RefusesAnotherFormatOrAlignment) {
  const fs::path path = make([](Writer& w) { w.add("w", kShape, data()); });
  const std::string another = std::string(GetParam()) == "2" ? "1.2" : "2";
  EXPECT_EQ(test::code_of([&] { (void)appending(path, {.to = another}); }), Code::usage);
  EXPECT_EQ(test::code_of([&] { (void)appending(path, {.alignment = 1 << 20}); }), Code::usage);
  EXPECT_EQ(test::code_of([&] { (void)appending(path, {.canonical = true}); }), Code::usage);
  EXPECT_EQ(open(path).size(), 1U);
}

TEST_P(Revision, TakesManyAppends) {
  const fs::path path = make([](Writer& w) { w.add("w", kShape, data()); });
  for (int i = 0; i < 100; ++i) {
    Writer writer = appending(path);
    writer.add("t" + std::to_string(i), kShape, data());
    writer.finalize();
    ASSERT_EQ(open(path).size(), static_cast<std::size_t>(i + 2));
  }
  const Source source = open(path);
  for (const Tensor tensor : source) EXPECT_EQ(tensor.read<float>(), kData);
}

TEST_P(Revision, NamesTheRuleOfItsFormatWhenTheIndexIsTooLarge) {
  const fs::path path = make([](Writer& w) { w.add("keep", kShape, data()); });
  Writer writer = appending(path, {.limits = {.index_bytes = 600}});  // the current manifest is smaller
  writer.add(std::string(500, 'n'), {4}, data());
  try {
    writer.finalize();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::limit);
    EXPECT_EQ(std::string(error.rule()), std::string(GetParam()) == "2" ? "zt2.manifest.limit" : "zt12.manifest.limit");
  }
  EXPECT_EQ(open(path).tensor("keep").read<float>(), kData);
}

INSTANTIATE_TEST_SUITE_P(Generation, Revision, testing::Values("1.2", "2"));

TEST(LockedFile, TellsTheSizeOfTheFileThatItGrewAndOfNoOther) {
  const test::TempDir dir;
  const test::TempDir elsewhere;
  const fs::path before = fs::current_path();
  fs::current_path(dir.path());
  for (const char* format : {"1.2", "2"}) {
    fs::current_path(dir.path());
    WriterOptions options;
    options.to = format;
    const std::string name = std::string(format) + ".zt";
    Writer::create(name, options).finalize();
    Writer writer = Writer::create(name, WriteMode::append, {});
    test::write_file(elsewhere / name, "");
    fs::current_path(elsewhere.path());
    writer.add("t", {2}, std::vector<float>{1, 2});
    writer.finalize();
    EXPECT_EQ(writer.bytes_written(), fs::file_size(dir / name));
  }
  fs::current_path(before);
}

TEST(LockedFile, RefusesEntriesThatWouldComeToNameNewBytes) {
  const test::TempDir folder;
  const fs::path path = folder.path() / "broken.zt";
  fs::copy_file(fs::path(ZT_TEST_DATA) / "conformance/reject/zt12/blob.bounds.past.zt", path);
  const std::string before = test::read_file(path);
  try {
    Writer writer = appending(path);
    writer.add("new", {4}, data());
    writer.finalize();
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.rule(), "write.entry");
  }
  EXPECT_EQ(test::read_file(path), before);
  Writer writer = appending(path);
  writer.remove("w");
  writer.add("new", {4}, data());
  writer.finalize();
  EXPECT_TRUE(verify(open(path)).unreadable.empty());
}

TEST(LockedFile, RefusesAFileThatIsItsOwnShard) {
  ZT_POSIX_ONLY("links that anyone may make");
  const test::TempDir folder;
  const fs::path path = folder.path() / "m.zt";
  Writer writer = Writer::create(path, {.to = "2", .max_shard_size = 1 << 20});
  writer.add("w", kShape, data());
  writer.finalize();
  const fs::path shard = open(path).paths().at(1);
  fs::remove(shard);
  fs::create_symlink(path, shard);
  for (const auto& work : {std::function([&] { (void)appending(path); }), std::function([&] { compact(path); })}) {
    try {
      work();
      FAIL();
    } catch (const Error& error) {
      EXPECT_STREQ(error.rule(), "write.shard");
    }
  }
}

TEST(LockedFile, RefusesFormatsThatCannotGrow) {
  const test::TempDir folder;
  const fs::path golden = fs::path(ZT_TEST_DATA) / "golden";
  const fs::path path = folder.path() / "copy.zt";
  fs::copy_file(fs::path(ZT_TEST_DATA) / "conformance/accept/safetensors/dtypes.safetensors", path);
  try {
    (void)appending(path);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::unsupported);
    EXPECT_STREQ(error.rule(), "write.grow");
  }
}

}  // namespace
}  // namespace zt
