#include "hash/xxh3.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/utf8.h"

namespace zt::hash {
namespace {

std::vector<std::byte> counting(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i);
  return bytes;
}

TEST(Xxh3, GivesThePublishedValues) {
  EXPECT_EQ(xxh3({}), 0x2d06800538d394c2U);
  EXPECT_EQ(xxh3(as_bytes("a")), 0xe6c632b61e964e1fU);
  EXPECT_EQ(xxh3(as_bytes("abc")), 0x78af5f94892f3950U);
  EXPECT_EQ(xxh3(counting(16)), 0x8355e3a6f61770dbU);
  EXPECT_EQ(xxh3(counting(17)), 0x9ef341a99de37328U);
  EXPECT_EQ(xxh3(counting(129)), 0xec7642b431ba3e5aU);
  EXPECT_EQ(xxh3(counting(240)), 0x375a384d957fe865U);
  EXPECT_EQ(xxh3(counting(241)), 0x02e8cd95421c6d02U);
  EXPECT_EQ(xxh3(counting(1025)), 0x78c86e91ee939852U);
}

TEST(Xxh3, IsTheSameInPieces) {
  const std::vector<std::byte> bytes = counting(5000);
  Xxh3 pieces;
  std::span<const std::byte> left = bytes;
  for (std::size_t step = 1; !left.empty(); step = std::min(2 * step, left.size())) {
    pieces.update(left.first(step));
    left = left.subspan(step);
  }
  EXPECT_EQ(pieces.value(), xxh3(bytes));
}

}  // namespace
}  // namespace zt::hash
