#include "ztensor/grow.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "lacking_calls.h"
#include "posix_only.h"
#include "system_faults.h"
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

// The code and rule of the error.
std::pair<Code, std::string> refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return {error.code(), error.rule()};
  }
  return {Code::internal, "nothing was thrown"};
}

void add(const fs::path& path, const std::function<void(Writer&)>& fill) {
  Writer writer = Writer::create(path, WriteMode::append);
  fill(writer);
  writer.finalize();
}

// For both generations that grow.
class GrowFiles : public testing::TestWithParam<const char*> {
 protected:
  fs::path make(const std::string& name, const std::function<void(Writer&)>& fill) {
    const fs::path path = folder_.path() / name;
    Writer writer = Writer::create(path, {.to = GetParam(), .attributes = Value(Value::Map{{"a", 1}})});
    fill(writer);
    writer.finalize();
    return path;
  }
  test::TempDir folder_;
};

TEST_P(GrowFiles, AppendsTheTensorsOfSeveralFiles) {
  const fs::path target = make("t.zt", [](Writer& w) { w.add("w", kShape, data()); });
  const std::vector<fs::path> sources = {make("a.zt",
                                              [](Writer& w) {
                                                w.add("a", kShape, data());
                                                w.add_alias("tied", "a");
                                              }),
                                         make("b.zt", [](Writer& w) { w.add("b", kShape, other()); })};
  const ChangeReport report = append_files(target, sources);
  EXPECT_EQ(report.tensors, 3U);
  EXPECT_EQ(report.bytes_out, fs::file_size(target));
  EXPECT_EQ(report.notes.size(), 2U) << "attributes that were not appended";
  const Source source = open(target);
  EXPECT_EQ(source.size(), 4U);
  EXPECT_EQ(source.tensor("b").read<float>(), kOther);
  EXPECT_EQ(source.tensor("a").data().offset(), source.tensor("tied").data().offset());
  EXPECT_TRUE(verify(source).findings.empty());

  const fs::path made = folder_.path() / "made.zt";
  EXPECT_EQ(append_files(made, sources, {.writer = {.to = GetParam()}}).tensors, 3U);
  EXPECT_EQ(open(made).attributes(), Value(Value::Map{{"a", 1}}));
}

TEST_P(GrowFiles, RefusesAnAppendBeforeAByteIsWritten) {
  const fs::path target = make("t.zt", [](Writer& w) { w.add("w", kShape, data()); });
  const fs::path source = make("a.zt", [](Writer& w) {
    w.add("a", kShape, data());
    w.add("w", kShape, other());
  });
  const std::string before = test::read_file(target);
  const std::vector<fs::path> one = {source};
  const std::vector<fs::path> twice = {source, source};
  const std::vector<fs::path> itself = {target};
  const fs::path link = folder_.path() / "link.zt";
  fs::create_hard_link(target, link);
  EXPECT_EQ(refusal([&] { append_files(target, one); }), std::pair(Code::usage, std::string("append.taken")));
  EXPECT_EQ(refusal([&] { append_files(target, twice, {.replace = true}); }).first, Code::usage);
  EXPECT_EQ(refusal([&] { append_files(target, itself); }).first, Code::usage);
  EXPECT_EQ(refusal([&] { append_files(link, itself); }).first, Code::usage);
  EXPECT_EQ(refusal([&] { append_files(target, {}); }).first, Code::usage);
  EXPECT_EQ(test::read_file(target), before);
  const ChangeReport report = append_files(target, one, {.replace = true});
  EXPECT_EQ(report.replaced, 1U);
  EXPECT_EQ(open(target).tensor("w").read<float>(), kOther);
}

TEST_P(GrowFiles, RemovesInPlaceAndIntoACopy) {
  const fs::path path = make("t.zt", [](Writer& w) {
    w.add("keep", kShape, data());
    w.add("gone", kShape, other());
  });
  const std::vector<std::string> names = {"gone"};
  const std::vector<std::string> missing = {"gone", "missing"};
  const fs::path copy = folder_.path() / "copy.zt";
  EXPECT_EQ(refusal([&] { remove_tensors(path, missing, {}); }).first, Code::not_found);
  EXPECT_EQ(refusal([&] { remove_tensors(path, missing, {.output = copy}); }).first, Code::not_found);
  EXPECT_EQ(refusal([&] { remove_tensors(path, names, {.output = path, .overwrite = true}); }).first, Code::usage);
  EXPECT_EQ(open(path).size(), 2U);
  EXPECT_EQ(remove_tensors(path, names, {.output = copy}).tensors, 1U);
  EXPECT_EQ(open(path).size(), 2U);
  EXPECT_EQ(open(copy).size(), 1U);
  EXPECT_EQ(refusal([&] { remove_tensors(path, names, {.output = copy}); }).first, Code::io);
  EXPECT_EQ(remove_tensors(path, names).tensors, 1U);
  EXPECT_EQ(content_id(open(path)), content_id(open(copy)));
}

TEST_P(GrowFiles, ThrowsErrorsOfTheLibraryAlone) {
  const std::vector<std::string> names = {"w"};
  EXPECT_EQ(refusal([&] { remove_tensors(folder_.path(), names); }).first, Code::io);
  const fs::path path = make("t.zt", [](Writer& w) { w.add("w", kShape, data()); });
  const std::uint64_t before = fs::file_size(path);
  const ChangeReport report = remove_tensors(path, names);
  EXPECT_EQ(report.bytes_in, before);
  EXPECT_EQ(report.bytes_out, fs::file_size(path));
}

TEST_P(GrowFiles, ChangesNothingIfTheLastCallOfTheProgressStopsTheAppend) {
  const fs::path target = make("t.zt", [](Writer& w) { w.add("w", kShape, data()); });
  const std::vector<fs::path> sources = {make("a.zt", [](Writer& w) { w.add("a", kShape, data()); })};
  const auto stop = [](std::uint64_t done, std::uint64_t total) { return done < total; };
  EXPECT_EQ(refusal([&] { append_files(target, sources, {.progress = stop}); }).first, Code::cancelled);
  EXPECT_EQ(open(target).size(), 1U);
}

TEST_P(GrowFiles, SetsAndUnsetsAttributes) {
  const fs::path path = make("t.zt", [](Writer& w) { w.add("w", kShape, data()); });
  const AttributeReport report = set_attributes(path, {.set = {{"b", "x"}, {"c", 2.5}}, .unset = {"a", "never there"}});
  EXPECT_EQ(report.set, 2U);
  EXPECT_EQ(report.unset, 1U);
  EXPECT_EQ(open(path).attributes(), Value(Value::Map{{"b", "x"}, {"c", 2.5}}));
  set_attributes(path, {.set = {{"k", true}}, .tensor = "w"});
  EXPECT_EQ(open(path).tensor("w").attributes(), Value(Value::Map{{"k", true}}));
  set_attributes(path, {.unset = {"k"}, .tensor = "w"});
  EXPECT_EQ(refusal([&] { set_attributes(path, {.set = {{"k", 1}}, .tensor = "v"}); }).first, Code::not_found);
  EXPECT_EQ(refusal([&] { set_attributes(path, {.set = {{"b", 1}}, .unset = {"b"}}); }).first, Code::usage);
  EXPECT_EQ(open(path).attributes(), Value(Value::Map{{"b", "x"}, {"c", 2.5}}));
}

TEST_P(GrowFiles, TellsWhatAFileWrittenAnewCouldNotKeep) {
  ZT_POSIX_ONLY("modes of files");
  const fs::path path = make("t.zt", [](Writer& w) {
    w.add("w", kShape, data());
    w.add("gone", {4096}, std::span<const float>(std::vector<float>(4096)));
  });
  const std::vector<std::string> names = {"gone"};
  const fs::path copy = folder_.path() / "copy.zt";
  test::write_file(copy, "old");
  for (const fs::path& file : {path, copy}) fs::permissions(file, fs::perms(0640));
  const test::Lacking mount([](const io::sys::Event& event) { return event.call == io::sys::Call::chmod ? EPERM : 0; });
  const std::string note = ": its mode could not be kept: Operation not permitted";
  EXPECT_EQ(remove_tensors(path, names, {.output = copy, .overwrite = true}).notes,
            std::vector<std::string>{copy.string() + note});
  remove_tensors(path, names);
  EXPECT_EQ(compact(path).notes, std::vector<std::string>{path.string() + note});
  fs::permissions(path, fs::perms(0640));
  Writer writer = Writer::create(path, {.to = GetParam()});
  writer.add("w", kShape, other());
  writer.finalize();
  EXPECT_EQ(writer.notes(), std::vector<std::string>{path.string() + note});
}

TEST_P(GrowFiles, CompactGivesBackWhatAppendsLeft) {
  ZT_REPLACES_OPEN_FILES();
  const fs::path path = make("t.zt", [](Writer& w) {
    w.add("w", kShape, data());
    w.add_alias("tied", "w");
    w.add("empty", {0, 4}, std::span<const float>());
  });
  add(path, [](Writer& w) {
    w.add("small", {1000}, std::span<const float>(std::vector<float>(1000)), {.encoding = Encoding::zstd()});
  });
  for (int i = 0; i < 200; ++i) {
    add(path, [&](Writer& w) { w.add("t" + std::to_string(i), kShape, i % 2 == 0 ? data() : other()); });
  }
  add(path, [](Writer& w) {
    w.add("w2", kShape, other());
    w.remove("t7");
    w.add("t8", kShape, other(), {.attributes = Value(Value::Map{{"k", 1}}), .replace = true});
  });
  const Source before = open(path);
  const std::string id = content_id(before);
  std::vector<std::string> names;
  for (const Tensor tensor : before) names.emplace_back(tensor.name());
  const CompactReport report = compact(path);
  EXPECT_TRUE(report.changed);
  EXPECT_EQ(report.tensors, names.size());
  EXPECT_EQ(report.size_after, fs::file_size(path));
  EXPECT_LT(report.size_after * (std::string(GetParam()) == "1.2" ? 10 : 1), report.size_before);
  const Source after = open(path);
  EXPECT_EQ(content_id(after), id);
  EXPECT_EQ(after.format(), before.format());
  EXPECT_EQ(after.attributes(), before.attributes());
  EXPECT_EQ(after.tensor("w").data().offset(), after.tensor("tied").data().offset());
  EXPECT_EQ(after.tensor("small").data().encoding(), before.tensor("small").data().encoding());
  EXPECT_EQ(after.tensor("small").data().digest(), before.tensor("small").data().digest());
  for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(after[i].name(), names[i]);
  EXPECT_EQ(content_id(before), id) << "a reader that opened the file before reads the old version";
  EXPECT_EQ(folder_.count(), 1U);

  EXPECT_FALSE(compact(path).changed);
  add(path, [](Writer& w) { w.add("more", kShape, data()); });
  EXPECT_EQ(open(path).size(), names.size() + 1);
  EXPECT_TRUE(verify(open(path)).findings.empty());
}

TEST_P(GrowFiles, CompactLeavesAFreshFileAlone) {
  const fs::path path = make("t.zt", [](Writer& w) {
    w.add("b", kShape, data());
    w.add("a", {3}, std::span<const float>(kData).first(3));
  });
  const std::string before = test::read_file(path);
  EXPECT_FALSE(compact(path).changed);
  EXPECT_EQ(test::read_file(path), before);
}

TEST_P(GrowFiles, CompactRefusesWhatItCouldLose) {
  const fs::path path = make("t.zt", [](Writer& w) {
    w.add("w", kShape, data());
    w.add("v", kShape, other());
  });
  add(path, [](Writer& w) { w.remove("v"); });
  {
    Writer writer = Writer::create(path, WriteMode::append);
    EXPECT_EQ(refusal([&] { compact(path); }).first, Code::io) << "another writer has locked the file";
  }
  std::string bytes = test::read_file(path);
  const auto offset = static_cast<std::size_t>(open(path).tensor("w").data().offset());
  bytes[offset] = static_cast<char>(bytes[offset] ^ 1);
  test::write_file(path, bytes);
  EXPECT_EQ(refusal([&] { compact(path); }).first, Code::mismatch);
  EXPECT_EQ(test::read_file(path), bytes);
  EXPECT_EQ(folder_.count(), 1U);
}

TEST_P(GrowFiles, CompactStoppedAtAnyCallLeavesOneVersionOrTheOther) {
  const auto build = [&] {
    const fs::path path = make("t.zt", [](Writer& w) {
      w.add("w", kShape, data());
      w.add("v", kShape, other());
    });
    add(path, [](Writer& w) { w.remove("v"); });
    return path;
  };
  const std::string id = content_id(open(build()));
  for (std::size_t at = 0; at < 100; ++at) {
    const fs::path path = build();
    bool hit = false;
    {
      test::Faults faults(test::Faults::Kind::die, at);
      try {
        compact(path);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), Code::io) << error.what();
      }
      hit = faults.hit();
    }
    EXPECT_EQ(content_id(open(path)), id) << at;
    if (!hit) return;
  }
  FAIL() << "the loop does not end";
}

INSTANTIATE_TEST_SUITE_P(Generation, GrowFiles, testing::Values("1.2", "2"));

TEST(Compact, RefusesFormatsThatDoNotGrow) {
  const test::TempDir folder;
  const fs::path path = folder.path() / "m.zt";
  Writer writer = Writer::create(path, {.to = "1.0"});
  writer.add("w", kShape, data());
  writer.finalize();
  EXPECT_EQ(refusal([&] { compact(path); }), std::pair(Code::unsupported, std::string("write.grow")));
}

TEST(Compact, RefusesTensorsThatCannotBeRead) {
  const test::TempDir folder;
  const fs::path path = folder.path() / "m.zt";
  Writer writer = Writer::create(path);
  writer.add("w", kShape, data());
  writer.add("v", {1}, std::span<const std::int64_t>(std::vector<std::int64_t>(1)));
  writer.finalize();
  add(path, [](Writer& w) { w.remove("v"); });
  std::string bytes = test::read_file(path);
  for (auto at = bytes.find("f32"); at != std::string::npos; at = bytes.find("f32")) bytes[at] = 'q';
  test::write_file(path, bytes);
  EXPECT_EQ(refusal([&] { compact(path); }), std::pair(Code::unsupported, std::string("compact.unreadable")));
  EXPECT_EQ(test::read_file(path), bytes);
}

TEST(Compact, KeepsNamesAndVersionsThatNewFilesDoNotHave) {
  ZT_REPLACES_OPEN_FILES();
  const test::TempDir folder;
  const fs::path path = folder.path() / "m.zt";
  Writer writer = Writer::create(path);
  writer.add("w", kShape, data());
  writer.add("v", kShape, other());
  writer.finalize();
  add(path, [](Writer& w) { w.remove("v"); });
  std::string bytes = test::read_file(path);
  const auto replace = [&](std::string_view from, std::string_view to) {
    for (auto at = bytes.find(from); at != std::string::npos; at = bytes.find(from)) bytes.replace(at, to.size(), to);
  };
  replace("\x61w\xa3", std::string_view("\x61\0\xa3", 3));
  replace("1.2.0", "1.1.0");
  test::write_file(path, bytes);
  ASSERT_EQ(open(path).format(), "zt-1.1");
  EXPECT_TRUE(compact(path).changed);
  const Source after = open(path);
  EXPECT_EQ(after.format(), "zt-1.1");
  EXPECT_EQ(after.tensor(std::string_view("\0", 1)).read<float>(), kData);
}

TEST(Compact, KeepsReferencesToShards) {
  ZT_REPLACES_OPEN_FILES();
  const test::TempDir folder;
  const fs::path base = folder.path() / "base.zt";
  const fs::path root = folder.path() / "root.zt";
  {
    Writer writer = Writer::create(base, {.to = "2"});
    writer.add("far", kShape, data());
    writer.finalize();
  }
  {
    Writer writer = Writer::create(root, {.to = "2", .canonical = false});
    writer.add_reference("far", open(base).tensor("far"));
    writer.add("near", kShape, data());
    writer.add("gone", kShape, other());
    writer.finalize();
  }
  add(root, [](Writer& w) { w.remove("gone"); });
  const std::string id = content_id(open(root));
  const std::string shard = test::read_file(base);
  EXPECT_TRUE(compact(root).changed);
  const Source after = open(root);
  EXPECT_EQ(content_id(after), id);
  EXPECT_EQ(after.tensor("far").data().file_number(), 1U);
  EXPECT_EQ(after.tensor("near").data().file_number(), 0U);
  EXPECT_EQ(test::read_file(base), shard);
}

}  // namespace
}  // namespace zt
