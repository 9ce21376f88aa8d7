// Lengths around the 1 MiB of a frame and the 64 MiB of a batch of frames, on one thread and on four.

#include <gtest/gtest.h>
#include <ztensor/ztensor.h>

#include <algorithm>
#include <string>

#include "many_threads.h"
#include "memory_file.h"
#include "random.h"

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

// Half of each 64 KiB is noise, half is zeros: zstd saves enough, and is quick.
std::vector<std::byte> content(zt::test::Random& random, std::uint64_t size) {
  std::vector<std::byte> data(size);
  const std::vector<std::byte> noise = random.bytes(std::size_t{1} << 15);
  for (std::size_t at = 0; at < size; at += 2 * noise.size()) {
    std::copy_n(noise.begin(), std::min(noise.size(), data.size() - at),
                data.begin() + static_cast<std::ptrdiff_t>(at));
    data[at] = static_cast<std::byte>(at >> 16);  // no two are equal
  }
  return data;
}

void expect_size(std::uint64_t size, zt::Encoding encoding, zt::Checksum checksum) {
  zt::test::Random random(size);
  SCOPED_TRACE(random.name() + ", " + std::to_string(size) + " bytes");
  const std::vector<std::byte> data = content(random, size);
  const auto write = [&](unsigned threads) {
    return zt::test::written({.encoding = encoding, .checksum = checksum, .threads = threads}, [&](zt::Writer& writer) {
      writer.add("w", {.dtype = zt::DType::u8, .shape = {size}, .data = data.data()});
    });
  };
  std::vector<std::byte> file = write(1);
  EXPECT_TRUE(file == write(4)) << "the number of threads showed";
  for (const unsigned threads : {1U, 4U}) {
    const zt::Source source = zt::test::open_bytes(file, {.threads = threads});
    const zt::Part part = source.tensor("w").data();
    EXPECT_EQ(part.encoding(), encoding.is_raw() ? "raw" : "zstd");
    EXPECT_TRUE(part.read(zt::Verify::always) == data);
    EXPECT_TRUE(zt::check(source).findings.empty());
    file[part.offset() + part.stored_length() / 2] ^= std::byte{1};  // the next reader sees the change
    const zt::Source broken = zt::test::open_bytes(file, {.threads = threads});
    EXPECT_EQ(zt::check(broken).findings.size(), checksum == zt::Checksum::none && encoding.is_raw() ? 0U : 1U);
    file[part.offset() + part.stored_length() / 2] ^= std::byte{1};
  }
}

TEST(Sizes, AroundAFrame) {
  const zt::test::ManyThreads many;
  for (const std::uint64_t size : {kMiB - 1, kMiB, kMiB + 1, 2 * kMiB, 3 * kMiB + 7}) {
    for (const zt::Encoding encoding : {zt::Encoding::raw(), zt::Encoding::zstd(1)}) {
      expect_size(size, encoding, zt::Checksum::crc32c);
    }
    expect_size(size, zt::Encoding::zstd(1), zt::Checksum::none);
  }
  expect_size(kMiB + 1, zt::Encoding::raw(), zt::Checksum::sha256);
  expect_size(kMiB + 1, zt::Encoding::zstd(1), zt::Checksum::sha256);
  expect_size(kMiB + 1, zt::Encoding::raw(), zt::Checksum::none);
}

TEST(Sizes, AroundABatch) {
  const zt::test::ManyThreads many;
  expect_size(64 * kMiB + 1, zt::Encoding::zstd(1), zt::Checksum::crc32c);
  if (zt::test::kSanitized) return;
  expect_size(64 * kMiB, zt::Encoding::zstd(1), zt::Checksum::crc32c);
  expect_size(65 * kMiB + 1, zt::Encoding::raw(), zt::Checksum::crc32c);
}

}  // namespace
