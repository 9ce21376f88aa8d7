#include "hash/crc32c.h"

#include <gtest/gtest.h>

#include <random>
#include <string_view>
#include <vector>

#include "base/utf8.h"

namespace zt::hash {
namespace {

std::vector<std::byte> random_bytes(std::size_t size, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 0xFF);
  return bytes;
}

struct Vector {
  std::vector<std::byte> bytes;
  std::uint32_t crc;
};

std::vector<Vector> published() {
  const auto text = [](std::string_view s) { return std::vector<std::byte>(as_bytes(s).begin(), as_bytes(s).end()); };
  std::vector<std::byte> up(32);
  for (std::size_t i = 0; i < 32; ++i) up[i] = static_cast<std::byte>(i);
  const std::vector<std::byte> down(up.rbegin(), up.rend());
  return {
      {text(""), 0},
      {text("123456789"), 0xE3069283},
      {text("abc"), 0x364B3FB7},
      {std::vector<std::byte>(32, std::byte{0}), 0x8A9136AA},  // RFC 3720 B.4; the next three too
      {std::vector<std::byte>(32, std::byte{0xFF}), 0x62A8AB43},
      {up, 0x46DD794E},
      {down, 0x113FDB5C},
  };
}

TEST(Crc32c, GivesThePublishedValues) {
  for (const Vector& vector : published()) {
    EXPECT_EQ(crc32c(vector.bytes), vector.crc);
    EXPECT_EQ(crc32c_portable(vector.bytes), vector.crc);
    EXPECT_EQ(crc32c_instruction(vector.bytes), vector.crc);
  }
}

TEST(Crc32c, GoesOnFromTheValueOfTheBytesBefore) {
  const auto bytes = random_bytes(100, 1);
  const std::span<const std::byte> all = bytes;
  for (std::size_t split = 0; split <= all.size(); ++split) {
    EXPECT_EQ(crc32c(all.subspan(split), crc32c(all.first(split))), crc32c(all)) << split;
    EXPECT_EQ(crc32c_portable(all.subspan(split), crc32c_portable(all.first(split))), crc32c(all)) << split;
  }
}

TEST(Crc32c, IsTheSameInAllWaysAtAnyAlignmentAndLength) {
  const auto bytes = random_bytes(70000, 2);
  const std::span<const std::byte> all = bytes;
  for (std::size_t start = 0; start < 17; ++start) {
    for (std::size_t size = 0; size < 300; ++size) {
      const auto part = all.subspan(start, size);
      ASSERT_EQ(crc32c(part), crc32c_portable(part)) << start << " " << size;
      ASSERT_EQ(crc32c_instruction(part, 5), crc32c_portable(part, 5)) << start << " " << size;
    }
    EXPECT_EQ(crc32c(all.subspan(start)), crc32c_portable(all.subspan(start)));
    EXPECT_EQ(crc32c_instruction(all.subspan(start), 6), crc32c_portable(all.subspan(start), 6));
  }
}

TEST(Crc32cJoin, IsTheValueOfTheWholeAtRandomSplits) {
  const auto bytes = random_bytes(65536, 3);
  const std::span<const std::byte> all = bytes;
  std::mt19937 random(4);
  for (int round = 0; round < 200; ++round) {
    const auto whole = all.first(random() % (all.size() + 1));
    const std::size_t split = whole.empty() ? 0 : random() % (whole.size() + 1);
    const auto tail = whole.subspan(split);
    EXPECT_EQ(crc32c_join(crc32c(whole.first(split)), crc32c(tail), tail.size()), crc32c(whole))
        << "seed 4, round " << round;
  }
}

TEST(Crc32cJoin, AddsNothingForAnEmptySecondPart) {
  EXPECT_EQ(crc32c_join(0x12345678, 0, 0), 0x12345678u);
  EXPECT_EQ(crc32c_join(0, 0xE3069283, 9), 0xE3069283u);
}

TEST(Crc32cJoin, IsTheSameInAnyGroupingForLengthsTooLongToHold) {
  const std::uint64_t tera = std::uint64_t{1} << 40;
  const std::uint32_t a = 0x11111111;
  const std::uint32_t b = 0x2468ACE1;
  const std::uint32_t c = 0xDEADBEEF;
  const std::uint32_t left = crc32c_join(crc32c_join(a, b, tera + 3), c, tera - 1);
  const std::uint32_t right = crc32c_join(a, crc32c_join(b, c, tera - 1), tera + 3 + tera - 1);
  EXPECT_EQ(left, right);
}

}  // namespace
}  // namespace zt::hash
