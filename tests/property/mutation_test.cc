// Files of every generation with one byte changed, or with their end cut off. Reading them must give zt::Error or end
// soon. In generation 2 a digest covers every byte except padding, so a reader must never get other tensors.

#include <gtest/gtest.h>
#include <ztensor/ztensor.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "memory_file.h"
#include "random.h"
#include "temp_dir.h"
#include "touch.h"

namespace {

namespace fs = std::filesystem;
using zt::test::Random;

constexpr std::uintmax_t kLargest = 300'000;

// A file to change. Changes are made in place, and then undone.
struct Seed {
  std::string name;
  std::shared_ptr<std::vector<std::byte>> bytes;
  std::vector<std::size_t> dense;  // positions of non-zero bytes and their neighbours: the rest is mostly padding

  zt::Source open(std::size_t size) const {
    const zt::OpenOptions options{.threads = 1, .limits = zt::test::small_limits()};
    const zt::Bytes shown(bytes, std::span<const std::byte>(*bytes).first(size));
    return zt::open(std::make_shared<zt::MemoryStore>(shown), "memory.zt", options);
  }
  zt::Source open() const { return open(bytes->size()); }
};

Seed load(const fs::path& path) {
  const std::string content = zt::test::read_file(path);
  const auto bytes = std::as_bytes(std::span(content));
  Seed seed{path.string(), std::make_shared<std::vector<std::byte>>(bytes.begin(), bytes.end()), {}};
  const auto is_set = [&](std::size_t at) { return at < bytes.size() && bytes[at] != std::byte{0}; };
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (is_set(at) || is_set(at + 1) || (at > 0 && is_set(at - 1))) seed.dense.push_back(at);
  }
  return seed;
}

// Valid files: files of other tools, and odd but legal files.
std::vector<Seed> seeds() {
  std::vector<fs::path> paths;
  for (const char* folder : {"golden", "conformance/accept"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(ZT_TEST_DATA) / folder)) {
      const std::string name = entry.path().filename().string();
      const bool tensors = name.ends_with(".zt") || name.ends_with(".safetensors");
      if (tensors && entry.file_size() < kLargest) paths.push_back(entry.path());
    }
  }
  std::sort(paths.begin(), paths.end());  // the order of a folder differs from disk to disk
  std::vector<Seed> out;
  for (const fs::path& path : paths) out.push_back(load(path));
  return out;
}

// Flips a bit of one byte, or sets it to a special or to a random number, or cuts the end off.
class Mutation {
 public:
  Mutation(Random& random, const Seed& seed) : bytes_(*seed.bytes), size_(bytes_.size()), at_(0) {
    if (bytes_.empty()) return;
    if (random.chance(5)) {
      size_ = random.below(bytes_.size());
      at_ = size_;
      before_ = bytes_[at_];
      return;
    }
    at_ = random.chance(85) && !seed.dense.empty() ? seed.dense[random.below(seed.dense.size())]
                                                   : random.below(bytes_.size());
    before_ = bytes_[at_];
    static constexpr unsigned kOdd[] = {0x00, 0x01, 0x7F, 0x80, 0xFF, 0x1B, 0x5F, 0x7F, 0x9F, 0xBF, 0xF6, 0xF7};
    switch (random.below(3)) {
      case 0: bytes_[at_] ^= static_cast<std::byte>(1U << random.below(8)); return;
      case 1: bytes_[at_] = static_cast<std::byte>(random.pick(kOdd)); return;
      default: bytes_[at_] = static_cast<std::byte>(random.bits() & 0xFF);
    }
  }
  ~Mutation() {
    if (!bytes_.empty()) bytes_[at_] = before_;
  }
  Mutation(const Mutation&) = delete;
  Mutation& operator=(const Mutation&) = delete;

  std::size_t size() const { return size_; }  // the size of the rest of the file
  std::string name() const {
    return (size_ < bytes_.size() ? "cut at " : "changed at ") + std::to_string(size_ < bytes_.size() ? size_ : at_);
  }

 private:
  std::vector<std::byte>& bytes_;
  std::size_t size_;
  std::size_t at_;
  std::byte before_{};
};

TEST(Mutation, NothingButErrorsComesOfChangedFiles) {
  Random random(41);
  const std::vector<Seed> all = seeds();
  ASSERT_GT(all.size(), 150U);
  const int count = zt::test::rounds(80'000);
  int opened = 0;
  auto slowest = std::chrono::steady_clock::duration::zero();
  for (int i = 0; i < count; ++i) {
    const Seed& seed = all[random.below(all.size())];
    const Mutation mutation(random, seed);
    const auto begun = std::chrono::steady_clock::now();
    try {
      zt::test::touch(seed.open(mutation.size()));
      ++opened;
    } catch (const zt::Error&) {
      // refused
    } catch (const std::exception& error) {
      FAIL() << random.name() << ", change " << i << ": " << seed.name << " " << mutation.name() << ": "
             << error.what();
    }
    slowest = std::max(slowest, std::chrono::steady_clock::now() - begun);
  }
  EXPECT_GT(opened, count / 10);  // otherwise nothing after open() was tested
  EXPECT_LT(slowest, std::chrono::seconds(20));
}

// Everything that a reader gets: names, shapes, contents, attributes.
std::string content_of(const zt::Source& source) {
  return zt::content_id(source) + zt::json_value(source.attributes());
}

TEST(Mutation, GivesNobodyOtherTensorsOfGeneration2Unnoticed) {
  Random random(42);
  std::vector<Seed> sound;
  std::vector<std::string> contents;
  for (Seed& seed : seeds()) {
    if (!seed.name.ends_with(".zt")) continue;
    zt::test::answers([&] {
      const zt::Source source = seed.open();
      if (source.format() != "zt-2" || source.files() != 1) return;
      const zt::VerifyReport report = zt::check(source);
      if (!report.findings.empty() || report.checked.size() != source.size()) return;  // some have no digest
      contents.push_back(content_of(source));
      sound.push_back(std::move(seed));
    });
  }
  ASSERT_GT(sound.size(), 15U);
  int same = 0;
  for (int i = 0; i < zt::test::rounds(20'000); ++i) {
    const std::size_t which = random.below(sound.size());
    const Seed& seed = sound[which];
    const Mutation mutation(random, seed);
    std::string found;
    if (!zt::test::answers([&] {
          const zt::Source source = seed.open(mutation.size());
          zt::verify(source);
          found = content_of(source);
        })) {
      continue;
    }
    ++same;
    ASSERT_EQ(found, contents[which]) << random.name() << ", change " << i << ": " << seed.name << " "
                                      << mutation.name();
  }
  EXPECT_GT(same, zt::test::rounds(100));  // padding
}

}  // namespace
