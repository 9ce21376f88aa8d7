// Tests of the Writer only for generation 2.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "errors.h"
#include "memory_file.h"
#include "posix_only.h"
#include "sha256_hex.h"
#include "temp_dir.h"
#include "ztensor/ztensor.h"

namespace zt {
namespace {

const std::vector<float> kData = {1, 2, 3, 4};
const Shape kShape = {2, 2};
std::span<const float> data() { return kData; }
const WriterOptions kTwo = {.to = "2"};
const WriterOptions kFloor = {.to = "2", .canonical = false};

std::vector<std::byte> repeated(std::size_t size, int value) { return std::vector<std::byte>(size, std::byte(value)); }

ArrayView view(DType dtype, const Shape& shape, const std::vector<std::byte>& bytes) {
  return {.dtype = dtype, .shape = shape, .data = bytes.data()};
}

std::string hex_of_file(const std::vector<std::byte>& bytes) { return test::sha256_hex(bytes).substr(0, 16); }

TEST(Writer2, GivesTheWorkedExampleByteForByte) {
  const auto bytes = test::written(kTwo, [](Writer& w) { w.add("t", kShape, data()); });
  EXPECT_EQ(bytes.size(), 131211U);
  // The file that a released writer made of the same tensor.
  const std::string golden = test::read_file(std::filesystem::path(ZT_TEST_DATA) / "golden/2.1.2/canonical_one.zt");
  EXPECT_TRUE(as_text(bytes) == golden);
  const Source source = test::open_bytes(bytes);
  EXPECT_EQ(source.format(), "zt-2");
  EXPECT_EQ(source.tensor("t").data().digest(), "xxh3:a82f522ec4510db4");
  EXPECT_EQ(source.tensor("t").read<float>(), kData);
}

TEST(Writer2, GivesTheWorkedFloorAlignedExample) {
  WriterOptions options = kFloor;
  options.checksum = Checksum::none;
  const auto bytes = test::written(options, [](Writer& w) { w.add("t", kShape, data()); });
  ASSERT_EQ(bytes.size(), 8300U);
  const std::string_view tail = as_text(bytes).substr(8192);
  EXPECT_EQ(tail.substr(0, 68), std::string_view("\xA1\x67objects\xA1\x61t\xA3\x65parts\xA1\x64"
                                                 "data\xA2\x64"
                                                 "blob\x82\x19\x10\x00\x10\x65"
                                                 "dtype\x63"
                                                 "f32\x65shape\x82\x02\x02\x66layout\x65"
                                                 "dense",
                                                 68));
  EXPECT_EQ(tail.substr(68), std::string_view("\x00\x20\x00\x00\x00\x00\x00\x00\x44\x00\x00\x00\x00\x00\x00\x00"
                                              "\x98\xA9\x5F\x7A\x46\x98\x27\x9F\x02\x00\x00\x00\x00\x00\x00\x00"
                                              "\x89ZT2\r\n\x1A\n",
                                              40));
}

// The corpus file canonical-basic, whose size and hash are published. Adds the names in any order, to a sink and to a
// file.
TEST(Writer2, GivesTheCanonicalFileOfTheCorpusInAnyOrder) {
  const std::vector<std::byte> ones = repeated(16, 1);
  const std::vector<std::byte> twos = repeated(16, 2);
  const std::map<std::string, std::function<void(Writer&)>> tensors = {
      {"a.bias", [&](Writer& w) { w.add("a.bias", view(DType::f32, {4}, ones)); }},
      {"a.weight",
       [&](Writer& w) {
         w.add("a.weight", view(DType::bf16, {2, 4}, twos));
       }},
      {"tied",
       [&](Writer& w) {
         w.add("tied", view(DType::bf16, {2, 4}, twos));
       }},
  };
  std::vector<std::string> names = {"a.bias", "a.weight", "tied"};
  const test::TempDir folder;
  do {
    const auto fill = [&](Writer& w) {
      for (const std::string& name : names) tensors.at(name)(w);
    };
    EXPECT_EQ(hex_of_file(test::written(kTwo, fill)), "638a90bf6fdd9b4e");
    const auto path = folder.path() / "m.zt";
    Writer writer = Writer::create(path, kTwo);
    fill(writer);
    writer.finalize();
    EXPECT_EQ(std::filesystem::file_size(path), 196941U);
    EXPECT_EQ(writer.bytes_written(), 196941U);
  } while (std::ranges::next_permutation(names).found);
}

TEST(Writer2, GivesTheEmptyCanonicalFile) {
  EXPECT_EQ(test::written(kTwo, [](Writer&) {}).size(), 65586U);
  EXPECT_EQ(test::written(kFloor, [](Writer&) {}).size(), 4146U);
}

TEST(Writer2, RefusesWhatIsNotCanonical) {
  WriterOptions options = kTwo;
  options.canonical = true;
  const auto with = [&](auto change) {
    WriterOptions changed = options;
    change(changed);
    return test::code_of([&] { test::written(changed, [](Writer&) {}); });
  };
  EXPECT_EQ(with([](WriterOptions& o) { o.encoding = Encoding::zstd(); }), Code::usage);
  EXPECT_EQ(with([](WriterOptions& o) { o.checksum = Checksum::sha256; }), Code::usage);
  EXPECT_EQ(with([](WriterOptions& o) { o.alignment = 4096; }), Code::usage);
  EXPECT_EQ(with([](WriterOptions& o) { o.to = "1.2"; }), Code::usage);
  EXPECT_EQ(with([](WriterOptions& o) { o.max_shard_size = 1; }), Code::usage);
  test::written(kTwo, [](Writer& w) {
    EXPECT_EQ(test::code_of([&] { w.add("t", kShape, data(), {.encoding = Encoding::zstd()}); }), Code::usage);
    EXPECT_EQ(test::code_of([&] { w.add("e\xCC\x81", kShape, data()); }), Code::usage) << "the name is not in NFC";
    w.add("\xC3\xA9", kShape, data());
  });
}

TEST(Writer2, HoldsEveryDtypeEncodingAndDigest) {
  const std::vector<std::byte> bytes = repeated(64, 1);
  for (const Checksum checksum : {Checksum::none, Checksum::xxh3, Checksum::sha256}) {
    for (const Encoding encoding : {Encoding::raw(), Encoding::zstd()}) {
      WriterOptions options = kFloor;
      options.checksum = checksum;
      options.encoding = encoding;
      const auto file = test::written(options, [&](Writer& w) {
        for (std::uint8_t i = 0; i < kDTypeCount; ++i) {
          w.add(dtype_name(static_cast<DType>(i)), view(static_cast<DType>(i), {3}, bytes));
        }
        w.add("empty", view(DType::f32, {0, 3}, bytes));
        w.add("scalar", view(DType::f64, {}, bytes));
        w.add("long", view(DType::u8, {3 << 20}, repeated(3 << 20, 7)));
      });
      const Source source = test::open_bytes(file);
      for (std::uint8_t i = 0; i < kDTypeCount; ++i) {
        const Tensor tensor = source.tensor(dtype_name(static_cast<DType>(i)));
        EXPECT_EQ(tensor.dtype(), static_cast<DType>(i));
        const std::vector<std::byte> read = tensor.data().read(Verify::always);
        EXPECT_TRUE(std::ranges::equal(read, std::span(bytes).first(read.size())));
      }
      EXPECT_EQ(source.tensor("long").data().encoding() == "raw", encoding.is_raw());
      EXPECT_EQ(source.tensor("long").data().read(Verify::always), repeated(3 << 20, 7));
      EXPECT_EQ(source.tensor("empty").elements(), 0U);
      EXPECT_TRUE(verify(source).unreadable.empty());
    }
  }
}

TEST(Writer2, RefusesSparseEntriesOutOfOrder) {
  const std::uint64_t indptr[] = {0, 2};
  const std::uint64_t ascending[] = {0, 1};
  const std::uint64_t falling[] = {1, 0};
  const std::uint64_t twice[] = {1, 1};
  const auto bytes = test::written(kTwo, [&](Writer& w) {
    EXPECT_EQ(test::code_of([&] { w.add_csr("m", {1, 2}, data().first(2), falling, indptr); }), Code::usage);
    EXPECT_EQ(test::code_of([&] { w.add_csr("m", {1, 2}, data().first(2), twice, indptr); }), Code::usage);
    EXPECT_EQ(test::code_of([&] { w.add_coo("m", {2}, data().first(2), twice); }), Code::usage);
    w.add_csr("m", {1, 2}, data().first(2), ascending, indptr);
    w.add_coo("c", {2}, data().first(2), falling);
  });
  const Source source = test::open_bytes(bytes);
  EXPECT_EQ(source.tensor("m").read_csr<float>().indices, std::vector<std::uint64_t>({0, 1}));
  EXPECT_EQ(source.tensor("c").read_coo<float>().indices, std::vector<std::uint64_t>({1, 0}));
}

TEST(Writer2, StoresBoolsAsZeroAndOne) {
  const std::vector<std::byte> bools = {std::byte{2}, std::byte{0}, std::byte{1}};
  const auto bytes = test::written(kTwo, [&](Writer& w) { w.add("b", view(DType::boolean, {3}, bools)); });
  const std::vector<std::byte> clean = {std::byte{1}, std::byte{0}, std::byte{1}};
  EXPECT_EQ(test::open_bytes(bytes).tensor("b").data().read(), clean);
}

TEST(Writer2, PutsBytesIntoShardsOfAtMostASize) {
  const test::TempDir folder;
  for (const bool whole : {false, true}) {
    const auto path = folder.path() / (whole ? "whole.zt" : "m.zt");
    WriterOptions options = kTwo;
    options.max_shard_size = 100'000;
    options.whole_shards = whole;
    Writer writer = Writer::create(path, options);
    for (int i = 0; i < 5; ++i) {
      writer.add("t" + std::to_string(i), view(DType::u8, {40'000}, repeated(40'000, i)));
    }
    writer.add_alias("tied", "t0");
    EXPECT_FALSE(std::filesystem::exists(path));
    writer.finalize();
    const Source source = open(path);
    ASSERT_EQ(source.size(), 6U);
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(source.tensor("t" + std::to_string(i)).data().read(), repeated(40'000, i));
    }
    EXPECT_EQ(source.tensor("tied").data().read(), repeated(40'000, 0));
    EXPECT_LT(std::filesystem::file_size(path), 8192U) << "the root has no data";
    std::size_t shards = 0;
    std::size_t tensors = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      if (!entry.path().filename().string().starts_with(whole ? "whole-" : "m-")) continue;
      ++shards;
      EXPECT_LE(entry.file_size(), 100'000U);
      tensors += open(entry.path()).size();
    }
    EXPECT_EQ(shards, 3U);
    EXPECT_EQ(tensors, whole ? 5U : 0U);
  }
}

// Checks the files of the shards of `root`, and returns how many there are.
std::size_t expect_shards(const test::TempDir& folder, const std::string& root, std::uint64_t most) {
  std::size_t shards = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    if (!entry.path().filename().string().starts_with(root + "-")) continue;
    ++shards;
    EXPECT_LE(entry.file_size(), most) << entry.path();
  }
  return shards;
}

// The manifest of a whole shard, and the gaps between parts, count.
TEST(Writer2, KeepsShardsOfManySmallTensorsWithinTheirSize) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 20;
  const test::TempDir folder;
  const std::vector<std::byte> bytes = repeated(4096, 1);
  const std::uint64_t indptr[] = {0, 2};
  const std::uint64_t indices[] = {0, 1};
  for (const bool whole : {false, true}) {
    WriterOptions options = kTwo;
    options.max_shard_size = kMost;
    options.whole_shards = whole;
    options.checksum = Checksum::sha256;
    const std::string root = whole ? "whole" : "plain";
    Writer writer = Writer::create(folder / (root + ".zt"), options);
    AddOptions add;
    add.attributes = Value(Value::Map{{"note", Value(std::string(2000, 'x'))}});
    for (int i = 0; i < 300; ++i) {
      const std::string name = "layer." + std::to_string(i) + std::string(100, '.');
      writer.add(name, view(DType::u8, {4096}, bytes), i % 10 == 0 ? add : AddOptions{});
      writer.add_csr(name + ".csr", {1, 2}, data().first(2), indices, indptr);
    }
    writer.finalize();
    EXPECT_GE(expect_shards(folder, root, kMost), 4U);
    const Source source = open(folder / (root + ".zt"));
    Writer moved = Writer::create(folder / (root + "moved.zt"), options);
    for (const Tensor tensor : source) moved.add_stored(tensor.name(), tensor);
    moved.finalize();
    EXPECT_GE(expect_shards(folder, root + "moved", kMost), 4U);
  }
}

TEST(Writer2, PutsShardsBesideTheRootWhateverHasTheNameOfAShardsNumber) {
  ZT_POSIX_ONLY("links that anyone may make");
  for (const bool link : {false, true}) {
    const test::TempDir folder;
    const test::TempDir other;
    const auto taken = folder / "m-00001.zt";
    if (link) {
      std::filesystem::create_symlink(other / "far.zt", taken);
    } else {
      std::filesystem::create_directory(taken);
    }
    WriterOptions options = kTwo;
    options.max_shard_size = 10'000;
    Writer writer = Writer::create(folder / "m.zt", options);
    for (const char* name : {"a", "b"}) writer.add(name, view(DType::u8, {5'000}, repeated(5'000, 1)));
    writer.finalize();
    EXPECT_EQ(other.count(), 0U);
    EXPECT_EQ(folder.count(), 4U);
    EXPECT_EQ(open(folder / "m.zt").tensor("b").data().read(), repeated(5'000, 1));
  }
}

TEST(Writer2, ReferencesTensorsOfAnotherFile) {
  const test::TempDir folder;
  const auto base = folder.path() / "model-base.zt";
  const auto other = folder.path() / "lora.zt";
  for (const auto& path : {base, other}) {
    Writer writer = Writer::create(path, kFloor);
    writer.add("w", kShape, data());
    writer.add("z", kShape, data(), {.encoding = Encoding::zstd()});
    writer.finalize();
  }
  const Source of_base = open(base);
  const Source of_other = open(other);
  const auto path = folder.path() / "model.zt";
  Writer writer = Writer::create(path, kFloor);
  writer.add("own", kShape, data());
  writer.add_reference("w", of_base.tensor("w"));
  writer.add_reference("lora", of_other.tensor("w"));
  writer.finalize();
  const Source source = open(path);
  EXPECT_EQ(source.tensor("w").read<float>(), kData);
  EXPECT_EQ(source.tensor("lora").read<float>(), kData);
  EXPECT_EQ(source.tensor("own").read<float>(), kData);

  Writer canonical = Writer::create(folder.path() / "c.zt", kTwo);
  EXPECT_EQ(test::code_of([&] { canonical.add_reference("w", of_base.tensor("w")); }), Code::usage);
  const Source old = test::open_bytes(test::written({}, [](Writer& w) { w.add("w", kShape, data()); }));
  Writer floor = Writer::create(folder.path() / "f.zt", kFloor);
  try {
    floor.add_reference("w", old.tensor("w"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.rule(), "write.reference");
  }
}

}  // namespace
}  // namespace zt
