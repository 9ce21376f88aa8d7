// Tests of models in several whole files with an index.

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "errors.h"
#include "posix_only.h"
#include "random.h"
#include "system_faults.h"
#include "temp_dir.h"
#include "ztensor/ztensor.h"

namespace zt {
namespace {

namespace fs = std::filesystem;

using Sizes = std::vector<std::pair<std::string, std::size_t>>;

// The bytes of a tensor follow from its size.
std::vector<std::uint8_t> content(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i + size);
  return bytes;
}

void add(Writer& writer, const std::string& name, std::size_t size, std::optional<Encoding> encoding = {}) {
  writer.add(name, {size}, content(size), {.encoding = encoding});
}

fs::path save(const fs::path& path, const Sizes& tensors, const WriterOptions& options = {}) {
  Writer writer = Writer::create(path, options);
  for (const auto& [name, size] : tensors) add(writer, name, size);
  writer.finalize();
  return path;
}

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path());
  }
  return files;
}

// Checks that the files of a folder hold exactly these tensors, and that each file is as small as asked.
void expect_model(const fs::path& folder, const Sizes& tensors, std::uint64_t most) {
  Sizes found;
  for (const fs::path& file : files_of(folder)) {
    std::uint64_t bytes = 0;
    std::size_t filled = 0;
    for (const Tensor tensor : open(file)) {
      const std::vector<std::uint8_t> read = tensor.read<std::uint8_t>();
      EXPECT_EQ(read, content(read.size()));
      found.emplace_back(tensor.name(), read.size());
      bytes += read.size();
      if (!read.empty()) ++filled;
    }
    EXPECT_TRUE(bytes <= most || filled == 1) << file << ": " << bytes;
  }
  Sizes expected = tensors;
  std::ranges::sort(expected);
  std::ranges::sort(found);
  EXPECT_EQ(found, expected);
}

TEST(ShardsOfSafetensors, AreCutWhereThePlanSays) {
  for (const Sizes& tensors : {Sizes{{"a", 90}, {"c_big", 20}, {"b_small", 5}}, Sizes{{"z_empty", 0}, {"a_big", 200}},
                               Sizes{{"a", 0}, {"b", 0}}, Sizes{}}) {
    const test::TempDir from;
    const test::TempDir to;
    const std::vector<fs::path> inputs = {save(from / "m.zt", tensors)};
    ConvertOptions options;
    options.writer.max_shard_size = 100;
    convert(inputs, to / "model.safetensors", options);
    expect_model(to.path(), tensors, 100);
  }
}

TEST(ShardsOfSafetensors, HoldWhatWasConvertedWhateverItsSizesAndOrder) {
  for (int round = 0; round < test::rounds(200); ++round) {
    SCOPED_TRACE(test::Random::name() + ", round " + std::to_string(round));
    test::Random random(static_cast<std::uint64_t>(round) + 7000);
    const test::TempDir from;
    const test::TempDir to;
    Sizes tensors;
    Writer writer = Writer::create(from / "m.zt");
    for (std::uint64_t i = random.below(9); i > 0; --i) {
      const std::size_t size = random.chance(20) ? 0 : random.below(random.chance(20) ? 300 : 120);
      tensors.emplace_back(std::string(1, static_cast<char>('a' + random.below(26))) + std::to_string(i), size);
      add(writer, tensors.back().first, size, random.chance(30) ? Encoding::zstd() : Encoding::raw());
    }
    writer.finalize();
    const std::vector<fs::path> inputs = {from / "m.zt"};
    ConvertOptions options;
    options.writer.max_shard_size = random.between(1, 250);
    convert(inputs, to / "model.safetensors", options);
    expect_model(to.path(), tensors, options.writer.max_shard_size);
  }
}

TEST(ShardsOfSafetensors, AreRefusedUnlessEveryPlannedTensorComes) {
  const test::TempDir folder;
  const Source source = open(save(folder / "m.zt", {{"a", 90}, {"b", 90}, {"c", 90}}));
  const std::vector<Tensor> tensors(source.begin(), source.end());
  Writer writer = Writer::create(folder / "model.safetensors", {.max_shard_size = 100});
  const std::vector<std::size_t> order = writer.plan(tensors);
  writer.add_stored(tensors[order[0]].name(), tensors[order[0]]);
  const Error error = test::error_of([&] { writer.finalize(); });
  EXPECT_EQ(error.code(), Code::usage);
  EXPECT_NE(std::string(error.what()).find("2 planned tensors are missing"), std::string::npos) << error.what();
  EXPECT_EQ(files_of(folder.path()).size(), 0U);
}

TEST(ShardsOfSafetensors, TakeNoTensorThatWasNotPlanned) {
  const test::TempDir folder;
  const Source source = open(save(folder / "m.zt", {{"a", 90}, {"b", 90}}));
  const std::vector<Tensor> tensors(source.begin(), source.end());
  Writer writer = Writer::create(folder / "model.safetensors", {.max_shard_size = 100});
  for (const std::size_t next : writer.plan(tensors)) writer.add_stored(tensors[next].name(), tensors[next]);
  EXPECT_EQ(test::code_of([&] { add(writer, "c", 5); }), Code::usage);
  writer.finalize();
  expect_model(folder.path(), {{"a", 90}, {"b", 90}}, 100);
}

Writer writer_of_two(const fs::path& path, WriteMode mode) {
  Writer writer = Writer::create(path, mode, {.max_shard_size = 100});
  add(writer, "a", 90);
  add(writer, "b", 90);
  return writer;
}

TEST(ShardsOfSafetensors, RemoveNoFileThatAnotherProcessMadeMeanwhile) {
  ZT_POSIX_ONLY("unnamed files");
  for (const WriteMode mode : {WriteMode::create_new, WriteMode::replace}) {
    const test::TempDir folder;
    const fs::path path = folder / "model.safetensors";
    Writer writer = writer_of_two(path, mode);
    test::write_file(path, "a model of another process");
    if (mode == WriteMode::create_new) {
      const Error error = test::error_of([&] { writer.finalize(); });
      EXPECT_EQ(error.os_error(), EEXIST);
      EXPECT_EQ(folder.count(), 1U) << "a shard was published";
    } else {
      writer.finalize();
      ASSERT_EQ(writer.notes().size(), 1U);
      EXPECT_NE(writer.notes()[0].find("another process"), std::string::npos);
    }
    EXPECT_EQ(test::read_file(path), "a model of another process");
  }
}

TEST(ShardsOfSafetensors, RemoveTheFileThatTheyReplaceAndNotItsSuccessor) {
  const test::TempDir folder;
  const fs::path path = folder / "model.safetensors";
  test::write_file(path, "an older model");
  writer_of_two(path, WriteMode::replace).finalize();
  EXPECT_FALSE(fs::exists(path));
  test::write_file(path, "an older model");
  Writer writer = writer_of_two(path, WriteMode::replace);
  test::write_file(folder / "other", "a model of another process");
  fs::rename(folder / "other", path);
  writer.finalize();
  EXPECT_EQ(test::read_file(path), "a model of another process");
}

TEST(ShardsOfSafetensors, ReplaceNoShardThatAnotherProcessPublishesAtTheSameTime) {
  ZT_POSIX_ONLY("unnamed files");
  const test::TempDir folder;
  Writer writer = writer_of_two(folder / "model.safetensors", WriteMode::replace);
  {
    test::Faults faults;
    faults.watch = [&](const io::sys::Event& event) {
      const fs::path taken = folder / "model-00002-of-00002.safetensors";
      const bool next = event.call == io::sys::Call::link && fs::exists(folder / "model-00001-of-00002.safetensors");
      if (next && !fs::exists(taken)) test::write_file(taken, "of another process");
    };
    writer.finalize();
  }
  EXPECT_EQ(test::read_file(folder / "model-00002-of-00002.safetensors"), "of another process");
  EXPECT_EQ(open(folder / "model-00001-of-00002.safetensors").size(), 1U);
  EXPECT_EQ(open(folder / "model-00002-of-00002-2.safetensors").size(), 1U);
  const std::string index = test::read_file(folder / "model.safetensors.index.json");
  EXPECT_NE(index.find("\"model-00001-of-00002.safetensors\""), std::string::npos) << index;
  EXPECT_NE(index.find("\"model-00002-of-00002-2.safetensors\""), std::string::npos) << index;
}

TEST(ShardsOfSafetensors, LeaveNothingBehindWhenASaveFails) {
  ZT_REPLACES_OPEN_FILES();
  bool hit = true;
  std::size_t failures = 0;
  for (std::size_t at = 0; hit; ++at) {
    const test::TempDir folder;
    bool failed = false;
    {
      const test::Faults faults(test::Faults::Kind::fail, at);
      failed = test::code_of([&] { writer_of_two(folder / "model.safetensors", WriteMode::create_new).finalize(); }) ==
               Code::io;
      hit = faults.hit();
    }
    EXPECT_EQ(folder.count(), failed ? 0U : 3U) << at;
    if (failed) ++failures;
  }
  EXPECT_GT(failures, 3U);
}

#ifdef __GLIBC__  // has a count of the memory in use

std::size_t memory_in_use() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(ShardsOfSafetensors, KeepNoMemoryWhenTheyAreComplete) {
  if (test::kSanitized) GTEST_SKIP() << "sanitizers have an allocator of their own, which mallinfo2 does not count";
  constexpr std::size_t kShard = std::size_t{4} << 20;
  constexpr std::size_t kShards = 12;
  const test::TempDir folder;
  Writer source_writer = Writer::create(folder / "m.zt", {.encoding = Encoding::zstd(1)});
  for (std::size_t i = 0; i < kShards; ++i) add(source_writer, "t" + std::to_string(i), kShard);
  source_writer.finalize();
  const Source source = open(folder / "m.zt");
  for (const bool planned : {false, true}) {
    Writer writer = Writer::create(folder / "model.safetensors", {.max_shard_size = kShard});
    const std::vector<Tensor> tensors(source.begin(), source.end());
    if (planned) {
      ASSERT_EQ(writer.plan(tensors).size(), kShards);
    }
    writer.add_stored(tensors[0].name(), tensors[0]);
    const std::size_t one = memory_in_use();
    for (std::size_t i = 1; i < kShards; ++i) writer.add_stored(tensors[i].name(), tensors[i]);
    EXPECT_LT(memory_in_use(), one + 2 * kShard);
  }
}

#endif

// The working directory of a scope.
class Inside {
 public:
  explicit Inside(const fs::path& folder) : before_(fs::current_path()) { fs::current_path(folder); }
  ~Inside() { fs::current_path(before_); }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  fs::path before_;
};

TEST(Shards, GoBesideARelativePathEvenIfTheWorkingDirectoryChanges) {
  for (const char* name : {"m.safetensors", "m.zt"}) {
    const test::TempDir folder;
    const test::TempDir other;
    const Inside inside(folder.path());
    Writer writer =
        Writer::create(name, {.to = std::string_view(name) == "m.zt" ? "2" : "safetensors", .max_shard_size = 8192});
    add(writer, "a", 8000);
    const Inside elsewhere(other.path());
    test::write_file(other / name, "another model");
    add(writer, "b", 8000);
    writer.finalize();
    EXPECT_EQ(test::read_file(other / name), "another model");
    EXPECT_EQ(other.count(), 1U) << name;
    EXPECT_EQ(folder.count(), 3U) << name;
  }
}

}  // namespace
}  // namespace zt
