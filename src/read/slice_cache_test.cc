#include "read/slice_cache.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "many_threads.h"

namespace zt::read {
namespace {

TEST(Recent, KeepsWhatWasUsedLast) {
  Recent<int, std::string> recent(30);
  recent.keep(1, "one", 10);
  recent.keep(2, "two", 10);
  recent.keep(3, "three", 10);
  ASSERT_NE(recent.find(1), nullptr);
  recent.keep(4, "four", 10);
  EXPECT_EQ(recent.find(2), nullptr) << "it was the least recently used";
  ASSERT_NE(recent.find(1), nullptr);
  EXPECT_EQ(*recent.find(1), "one");
  EXPECT_EQ(recent.cost(), 30U);
}

TEST(Recent, NeverCostsMoreThanItMay) {
  Recent<int, int> recent(100);
  recent.keep(0, 0, 101);
  EXPECT_EQ(recent.find(0), nullptr);
  for (int i = 1; i < 50; ++i) {
    recent.keep(i, i, static_cast<std::size_t>(i));
    recent.keep(i, i, 1000);  // it is in the cache already
    EXPECT_LE(recent.cost(), 100U);
    EXPECT_NE(recent.find(i), nullptr);
  }
}

TEST(SliceCache, TellsPartsAndPiecesApart) {
  SliceCache cache;
  const auto bytes = std::make_shared<const std::vector<std::byte>>(5);
  const model::Recipe a{.offset = 10, .stored_length = 20, .decoded_length = 30, .coding = model::Coding::zstd};
  model::Recipe b = a;
  b.file = 1;
  cache.keep_piece(a, 3, bytes);
  EXPECT_EQ(cache.find_piece(a, 3), bytes);
  EXPECT_EQ(cache.find_piece(a, 2), nullptr);
  EXPECT_EQ(cache.find_piece(b, 3), nullptr);
}

TEST(SliceCache, RemembersThatThereIsNoSeekTable) {
  SliceCache cache;
  const model::Recipe part{.offset = 10, .stored_length = 20, .decoded_length = 30, .coding = model::Coding::zstd};
  EXPECT_FALSE(cache.find_plan(part).has_value());
  cache.keep_plan(part, nullptr);
  ASSERT_TRUE(cache.find_plan(part).has_value());
  EXPECT_EQ(*cache.find_plan(part), nullptr);
}

TEST(SliceCache, HasABoundForPieces) {
  SliceCache cache;
  for (std::uint64_t i = 0; i < 40; ++i) {
    const model::Recipe part{.offset = i, .stored_length = 1, .decoded_length = 1 << 20, .coding = model::Coding::zstd};
    cache.keep_piece(part, 0, std::make_shared<const std::vector<std::byte>>(std::size_t{1} << 20));
  }
  std::size_t kept = 0;
  for (std::uint64_t i = 0; i < 40; ++i) {
    const model::Recipe part{.offset = i, .stored_length = 1, .decoded_length = 1 << 20, .coding = model::Coding::zstd};
    kept += cache.find_piece(part, 0) != nullptr ? 1U : 0U;
  }
  EXPECT_GT(kept, 20U);
  EXPECT_LE(kept << 20, SliceCache::kMostPieces);
}

// Each kept value is found, whichever thread kept it, while other threads use the cache.
TEST(ThreadsSliceCache, ShareOneCache) {
  SliceCache cache;
  test::together(4, [&](std::size_t) {
    for (std::size_t i = 0; i < 200; ++i) {
      const model::Recipe part{
          .offset = i % 7, .stored_length = 20, .decoded_length = 30, .coding = model::Coding::zstd};
      const auto bytes = std::make_shared<const std::vector<std::byte>>(i % 7 + 1);
      cache.keep_piece(part, i % 3, bytes);
      const SliceCache::Piece found = cache.find_piece(part, i % 3);
      ASSERT_NE(found, nullptr);
      EXPECT_EQ(found->size(), i % 7 + 1);
      cache.keep_plan(part, nullptr);
      const auto plan = cache.find_plan(part);
      ASSERT_TRUE(plan.has_value());
      EXPECT_EQ(*plan, nullptr);
    }
  });
}

}  // namespace
}  // namespace zt::read
