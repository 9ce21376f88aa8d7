#include "source/arenas.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <numeric>
#include <random>

namespace zt::source {
namespace {

std::vector<std::size_t> in_order(std::size_t count) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  return order;
}

TEST(Arenas, ShareMemoryAmongSmallItems) {
  Arenas arenas({1, 512, 513, 0, 7}, {4, 3, 2, 1, 0}, ~std::uint64_t{0});
  const auto batch = arenas.next({});
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->items, (std::vector<std::size_t>{4, 3, 2, 1, 0}));
  EXPECT_EQ(batch->offsets, (std::vector<std::uint64_t>{0, 512, 512, 1536, 2048}));
  EXPECT_EQ(batch->bytes, 2560U);
  arenas.placed(*batch);
  EXPECT_FALSE(arenas.next({}));
}

TEST(Arenas, GiveALargeItemOneOfItsOwn) {
  constexpr std::uint64_t kLarge = Arenas::kMostBytes + 1;
  Arenas arenas({512, kLarge, 512}, in_order(3), ~std::uint64_t{0});
  for (const std::uint64_t bytes : {std::uint64_t{512}, Arenas::kMostBytes + 512, std::uint64_t{512}}) {
    const auto batch = arenas.next({});
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->bytes, bytes);
    arenas.placed(*batch);
  }
}

// Whatever the sizes and the limit: each item gets memory, the limit holds except for single items, and there is always
// something to hand out or to place.
TEST(Arenas, HoldTheirLimitAndNeverStall) {
  std::mt19937 random(5);
  const auto below = [&](std::uint64_t bound) {
    return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(random);
  };
  for (int round = 0; round < 500; ++round) {
    std::vector<std::uint64_t> bytes(below(60));
    for (std::uint64_t& size : bytes) size = below(below(4) == 0 ? 40'000 : 2000);
    const std::uint64_t limit = below(30'000);
    Arenas arenas(bytes, in_order(bytes.size()), limit);
    std::deque<std::size_t> waiting;
    std::vector<std::uint64_t> left;  // of each arena, items
    std::vector<std::uint64_t> sizes;
    std::vector<std::size_t> arena_of(bytes.size());
    std::size_t done = 0;
    while (done < bytes.size()) {
      while (auto batch = arenas.next({})) {
        std::uint64_t held = batch->bytes;
        for (std::size_t i = 0; i < left.size(); ++i) held += left[i] != 0 ? sizes[i] : 0;
        EXPECT_TRUE(held <= limit || batch->bytes == 0 || (batch->items.size() == 1 && held == batch->bytes))
            << held << " of " << limit;
        for (const std::size_t item : batch->items) {
          EXPECT_FALSE(arenas.has_memory(item));
          arena_of[item] = left.size();
          waiting.push_back(item);
        }
        left.push_back(batch->items.size());
        sizes.push_back(batch->bytes);
        arenas.placed(*batch);
      }
      ASSERT_FALSE(waiting.empty());
      const std::size_t item = waiting.front();
      waiting.pop_front();
      --left[arena_of[item]];
      arenas.handed_out(item);
      ++done;
    }
  }
}

TEST(Arenas, WaitForRoomUnlessAllThatIsLeftFits) {
  Arenas arenas(std::vector<std::uint64_t>(9, 512), in_order(9), 4096);  // arenas of two items
  for (int i = 0; i < 4; ++i) arenas.placed(*arenas.next({}));
  EXPECT_FALSE(arenas.next({}));
  arenas.handed_out(0);
  EXPECT_FALSE(arenas.next({}));  // its arena still counts
  arenas.handed_out(1);
  EXPECT_EQ(arenas.next({})->items, std::vector<std::size_t>{8});
}

TEST(Arenas, BecomeSmallerWhereThereIsNoMemory) {
  Arenas arenas(std::vector<std::uint64_t>(10, 512), in_order(10), ~std::uint64_t{0});
  for (const std::size_t items : {10U, 5U, 2U, 1U}) {
    const auto batch = arenas.next({});
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->items.size(), items);
    arenas.refused(*batch);
  }
  EXPECT_EQ(arenas.next({})->items.size(), 1U);
}

TEST(Arenas, GiveAnUrgentItemMemoryAtOnce) {
  Arenas arenas({4000, 4000, 4000}, in_order(3), 4096);
  arenas.placed(*arenas.next({}));
  EXPECT_FALSE(arenas.next({}));
  const auto urgent = arenas.next(2);
  ASSERT_TRUE(urgent);
  EXPECT_EQ(urgent->items, std::vector<std::size_t>{2});
  arenas.placed(*urgent);
  EXPECT_TRUE(arenas.has_memory(2));
  arenas.handed_out(0);
  EXPECT_FALSE(arenas.next({}));  // the urgent item still counts
  arenas.handed_out(2);
  EXPECT_EQ(arenas.next({})->items, std::vector<std::size_t>{1});
}

}  // namespace
}  // namespace zt::source
