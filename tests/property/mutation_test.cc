// Small files with one byte changed or their end cut off: nothing but zt::Error comes of them, and no wait.

#include <gtest/gtest.h>
#include <ztensor/ztensor.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "memory_file.h"
#include "random.h"
#include "temp_dir.h"
#include "touch.h"

namespace {

namespace fs = std::filesystem;
using zt::test::Random;

struct Seed {
  std::string name;
  std::vector<std::byte> bytes;
};

std::vector<Seed> small_files() {
  std::vector<fs::path> paths;
  for (const char* folder : {"golden", "hostile"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(ZT_TEST_DATA) / folder)) {
      const std::string name = entry.path().filename().string();
      const bool tensors = name.ends_with(".zt") || name.ends_with(".safetensors");
      const bool right = std::string_view(folder) == "golden" || name.starts_with("ok.");
      if (tensors && right && entry.file_size() < 4096) paths.push_back(entry.path());
    }
  }
  std::sort(paths.begin(), paths.end());  // a folder's own order differs from disk to disk
  std::vector<Seed> seeds;
  for (const fs::path& path : paths) {
    const std::string content = zt::test::read_file(path);
    const auto bytes = std::as_bytes(std::span(content));
    seeds.push_back({path.string(), {bytes.begin(), bytes.end()}});
  }
  return seeds;
}

// One byte changed, by one bit, to a number with a meaning, or to any; or the end cut off.
void mutate(Random& random, std::vector<std::byte>& bytes) {
  if (bytes.empty()) return;
  if (random.chance(5)) return bytes.resize(random.below(bytes.size()));
  // Most of a file is its manifest or padding: half the changes are among its last bytes, so that both get some.
  const std::size_t window = random.chance(50) ? std::min<std::size_t>(bytes.size(), 400) : bytes.size();
  std::byte& byte = bytes[bytes.size() - 1 - random.below(window)];
  static constexpr unsigned kOdd[] = {0x00, 0x01, 0x7F, 0x80, 0xFF, 0x1B, 0x5F, 0x7F, 0x9F, 0xBF, 0xF6, 0xF7};
  switch (random.below(3)) {
    case 0: byte ^= static_cast<std::byte>(1U << random.below(8)); return;
    case 1: byte = static_cast<std::byte>(random.pick(kOdd)); return;
    default: byte = static_cast<std::byte>(random.bits() & 0xFF);
  }
}

TEST(Mutation, NothingButErrorsComesOfChangedFiles) {
  Random random(41);
  const std::vector<Seed> seeds = small_files();
  ASSERT_GT(seeds.size(), 60U);
  const int count = zt::test::rounds(100'000);
  int opened = 0;
  auto slowest = std::chrono::steady_clock::duration::zero();
  for (int i = 0; i < count; ++i) {
    const Seed& seed = seeds[random.below(seeds.size())];
    std::vector<std::byte> bytes = seed.bytes;
    mutate(random, bytes);
    const auto begun = std::chrono::steady_clock::now();
    try {
      const zt::OpenOptions options{.threads = 1, .limits = zt::test::small_limits()};
      zt::test::touch(zt::test::open_bytes(std::move(bytes), options));
      ++opened;
    } catch (const zt::Error&) {
      // refused
    } catch (const std::exception& error) {
      FAIL() << random.name() << ", change " << i << " of " << seed.name << ": " << error.what();
    }
    slowest = std::max(slowest, std::chrono::steady_clock::now() - begun);
  }
  EXPECT_GT(opened, count / 10);  // else nothing behind open() was tried
  EXPECT_LT(slowest, std::chrono::seconds(20));
}

}  // namespace
