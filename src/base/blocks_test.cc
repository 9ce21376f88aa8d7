#include "base/blocks.h"

#include <gtest/gtest.h>

#include <vector>

namespace zt {
namespace {

constexpr std::size_t kBlock = std::size_t{4} << 20;

TEST(Blocks, CoverTheRangeInOrderAndNothingElse) {
  std::vector<std::byte> bytes(2 * kBlock + 100);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7 / 5);
  const MemoryStore store(bytes);
  const Region range{3, 2 * kBlock + 50};
  std::vector<std::byte> seen;
  EXPECT_TRUE(for_each_block(store, range, [&](std::uint64_t offset, std::span<const std::byte> block) {
    EXPECT_EQ(offset, range.offset + seen.size());
    seen.insert(seen.end(), block.begin(), block.end());
    return true;
  }));
  EXPECT_EQ(seen, std::vector<std::byte>(bytes.begin() + 3, bytes.begin() + 3 + 2 * kBlock + 50));
}

TEST(Blocks, EndWhereTheVisitorSaysSo) {
  const MemoryStore store(std::vector<std::byte>(2 * kBlock));
  int visits = 0;
  const auto stop = [&](std::uint64_t, std::span<const std::byte>) { return ++visits > 1; };
  EXPECT_FALSE(for_each_block(store, {0, 2 * kBlock}, stop));
  EXPECT_EQ(visits, 1);
  EXPECT_TRUE(for_each_block(store, {5, 0}, stop));
  EXPECT_EQ(visits, 1);
}

}  // namespace
}  // namespace zt
