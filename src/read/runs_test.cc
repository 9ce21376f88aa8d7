#include "read/runs.h"

#include <gtest/gtest.h>

#include <vector>

namespace zt::read {
namespace {

using Shape = std::vector<std::uint64_t>;

const AxisPicks kAll4{.start = 0, .count = 4};

std::vector<Run> runs_of(const Shape& shape, std::size_t element, const Picks& selection, std::uint64_t length,
                         std::size_t most = 100) {
  Runs runs(shape, element, selection);
  EXPECT_EQ(runs.length(), length);
  std::vector<Run> all;
  std::vector<Run> batch;
  while (runs.next(most, batch)) {
    EXPECT_LE(batch.size(), most);
    all.insert(all.end(), batch.begin(), batch.end());
  }
  EXPECT_EQ(runs.left(), 0U);
  return all;
}

using All = std::vector<Run>;

TEST(Runs, AreOneWhereAllThatIsTakenLiesTogether) {
  EXPECT_EQ(runs_of({}, 8, {}, 8), (All{{0, 0}}));
  EXPECT_EQ(runs_of({3, 4}, 2, {{.start = 0, .count = 3}, kAll4}, 24), (All{{0, 0}}));
  EXPECT_EQ(runs_of({3, 4}, 2, {{.start = 1, .count = 2}, kAll4}, 16), (All{{8, 0}}));
  EXPECT_EQ(runs_of({9}, 4, {{.start = 5, .count = 1}}, 4), (All{{20, 0}}));
}

TEST(Runs, AreAsLongAsTheInnerAxesAllow) {
  EXPECT_EQ(runs_of({3, 4}, 2, {{.start = 0, .count = 3}, {.start = 1, .count = 2}}, 4),
            (All{{2, 0}, {10, 4}, {18, 8}}));
  EXPECT_EQ(runs_of({2, 2, 4}, 1, {{.start = 0, .count = 2}, {.start = 1, .count = 1}, kAll4}, 4),
            (All{{4, 0}, {12, 4}}));
}

TEST(Runs, ComeInTheOrderOfPlacesWhateverWasAskedFor) {
  EXPECT_EQ(runs_of({5}, 2, {{.start = 4, .count = 3, .step = -2}}, 2), (All{{0, 4}, {4, 2}, {8, 0}}));
  EXPECT_EQ(runs_of({5, 4}, 1, {{.list = {3, 0, 3}}, kAll4}, 4), (All{{0, 4}, {12, 0}, {12, 8}}));
}

TEST(Runs, ComeInBatchesOfAnySize) {
  const Picks selection = {{.start = 0, .count = 3}, {.start = 3, .count = 2, .step = -2}};
  const All all = runs_of({3, 4}, 2, selection, 2);
  EXPECT_EQ(all.size(), 6U);
  for (const std::size_t most : {1U, 2U, 4U, 6U}) EXPECT_EQ(runs_of({3, 4}, 2, selection, 2, most), all) << most;
}

}  // namespace
}  // namespace zt::read
