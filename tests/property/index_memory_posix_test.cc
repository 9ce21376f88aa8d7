// The memory that opening takes and an open source keeps is bounded by the size of the index (docs/limits.md).

#include <gtest/gtest.h>
#include <malloc.h>
#include <ztensor/ztensor.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include "base/endian.h"
#include "random.h"
#include "temp_dir.h"

namespace {

std::size_t in_use() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

constexpr std::uint64_t kCount = 65600;  // a little over a power of two: the worst case for vectors that double

std::string name_of(std::uint64_t i) { return "model.layers." + std::to_string(i) + ".weight"; }

// Writes a file of kCount tensors, and returns the size of its index.
std::uint64_t write_many(const std::filesystem::path& path, std::string_view format) {
  if (format == "safetensors") {
    std::string header = "{";
    for (std::uint64_t i = 0; i < kCount; ++i) {
      header += "\"" + name_of(i) + R"(":{"dtype":"F32","shape":[1,1],"data_offsets":[)" + std::to_string(4 * i) + "," +
                std::to_string(4 * i + 4) + "]},";
    }
    header.back() = '}';
    const std::uint64_t size = header.size();
    std::array<char, sizeof(size)> size_bytes;
    zt::endian::store_le(reinterpret_cast<std::byte*>(size_bytes.data()), size);
    std::ofstream file(path, std::ios::binary);
    file.write(size_bytes.data(), size_bytes.size()) << header << std::string(4 * kCount, '\0');
    return size;
  }
  const bool floor = format == "2 floor";
  zt::Writer writer = zt::Writer::create(path, {.to = std::string(format.substr(0, floor ? 1 : 3)),
                                                .canonical = floor ? std::optional(false) : std::nullopt});
  const float element[1] = {1};
  for (std::uint64_t i = 0; i < kCount; ++i) writer.add(name_of(i), {1, 1}, std::span<const float>(element));
  const std::uint64_t blobs = writer.bytes_written();
  writer.finalize();
  return writer.bytes_written() - blobs;
}

// A field of /proc/self/status, in bytes; 0 if it is missing.
std::uint64_t status_of(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::uint64_t kilobytes = 0;
    if (word == field + ":" && status >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

// Resets the peak of the resident memory of this process. False if the kernel cannot.
bool reset_peak() { return static_cast<bool>(std::ofstream("/proc/self/clear_refs") << "5" << std::flush); }

class IndexMemory : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (zt::test::kSanitized)
      GTEST_SKIP() << "sanitizers have an allocator of their own, which mallinfo2 does not count";
  }
  const zt::test::TempDir folder_;
};

TEST_P(IndexMemory, IsAtMostTwoAndAHalfTimesTheIndex) {
  const std::uint64_t index = write_many(folder_ / "many", GetParam());
  const std::size_t before = in_use();
  const zt::Source source = zt::open(folder_ / "many");
  const std::size_t kept = in_use() - before;
  EXPECT_EQ(source.size(), kCount);
  EXPECT_LE(kept, index * 5 / 2) << "of an index of " << index << " bytes";
  EXPECT_GT(kept, index / 4) << "the count itself is off";
}

TEST_P(IndexMemory, PeaksAtFourTimesTheIndexWhileOpeningOrEightOfJson) {
  const std::uint64_t index = write_many(folder_ / "many", GetParam());
  ::malloc_trim(0);  // so that freed memory of earlier tests is not used again, uncounted
  const std::uint64_t before = status_of("VmRSS");
  if (before == 0 || !reset_peak()) GTEST_SKIP() << "no /proc here that tells the peak of resident memory";
  const zt::Source source = zt::open(folder_ / "many");
  const std::uint64_t peak = status_of("VmHWM") - before;
  EXPECT_EQ(source.size(), kCount);
  const bool json = std::string_view(GetParam()) == "safetensors";
  EXPECT_LE(peak, index * (json ? 8 : 4)) << "of an index of " << index << " bytes";
  EXPECT_GT(peak, index / 4) << "the count itself is off";
  RecordProperty("peak", std::to_string(static_cast<double>(peak) / static_cast<double>(index)));
}

INSTANTIATE_TEST_SUITE_P(
    Formats, IndexMemory, testing::Values("1.0", "1.2", "2 floor", "safetensors"), [](const auto& tested) {
      const std::string_view name = tested.param;
      return name == "1.0" ? "Zt10" : name == "1.2" ? "Zt12" : name == "2 floor" ? "Zt2" : "Safetensors";
    });

}  // namespace
