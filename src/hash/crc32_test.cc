#include "hash/crc32.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstring>
#include <string_view>
#include <vector>

#include "random.h"

namespace zt::hash {
namespace {

std::uint32_t by_zlib(std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(
      ::crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

TEST(Crc32, GivesThePublishedValue) {
  const std::string_view digits = "123456789";
  EXPECT_EQ(crc32(std::as_bytes(std::span(digits))), 0xCBF43926U);
  EXPECT_EQ(crc32_portable(std::as_bytes(std::span(digits))), 0xCBF43926U);
  EXPECT_EQ(crc32({}), 0U);
}

TEST(Crc32, IsThatOfZlibInBothWaysAtAnyAlignmentAndLength) {
  test::Random random(2);
  const auto bytes = random.bytes(70001);
  const std::span<const std::byte> all = bytes;
  for (std::size_t start = 1; start < 18; ++start) {
    for (std::size_t size = 1; size < 300; ++size) {
      const auto piece = all.subspan(start, size);
      ASSERT_EQ(crc32(piece), by_zlib(piece)) << start << " " << size;
      ASSERT_EQ(crc32_portable(piece), by_zlib(piece)) << start << " " << size;
    }
    EXPECT_EQ(crc32(all.subspan(start)), by_zlib(all.subspan(start)));
  }
}

TEST(Crc32, GoesOnFromTheValueOfTheBytesBeforeAndIsJoined) {
  test::Random random(3);
  const auto bytes = random.bytes(1000);
  const std::span<const std::byte> all = bytes;
  for (std::size_t split = 0; split <= all.size(); ++split) {
    const auto tail = all.subspan(split);
    EXPECT_EQ(crc32(tail, crc32(all.first(split))), crc32(all)) << split;
    EXPECT_EQ(crc32_join(crc32(all.first(split)), crc32(tail), tail.size()), crc32(all)) << split;
  }
}

}  // namespace
}  // namespace zt::hash
