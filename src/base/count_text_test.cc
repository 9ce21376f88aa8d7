#include "base/count_text.h"

#include <gtest/gtest.h>

namespace zt {
namespace {

TEST(CountText, HasTheNounInTheNumberOfTheCount) {
  EXPECT_EQ(count_text(0, "tensor"), "0 tensors");
  EXPECT_EQ(count_text(1, "tensor"), "1 tensor");
  EXPECT_EQ(count_text(2, "tensor"), "2 tensors");
  EXPECT_EQ(count_text(1, "entry has", "entries have"), "1 entry has");
  EXPECT_EQ(count_text(12, "entry has", "entries have"), "12 entries have");
}

}  // namespace
}  // namespace zt
