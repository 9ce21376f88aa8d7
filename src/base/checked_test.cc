#include "base/checked.h"

#include <gtest/gtest.h>

namespace zt::checked {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

TEST(Checked, ATotalStopsAtTheLargestNumber) {
  EXPECT_EQ(add_up(3, 4), 7U);
  EXPECT_EQ(add_up(kMost - 1, 1), kMost);
  EXPECT_EQ(add_up(kMost, 1), kMost);
  EXPECT_EQ(add_up(kMost, kMost), kMost);
}

}  // namespace
}  // namespace zt::checked
