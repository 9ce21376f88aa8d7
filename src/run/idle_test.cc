#include "run/idle.h"

#include <gtest/gtest.h>

namespace zt::run {
namespace {

TEST(Idle, RunningThreadsAreTheFourthField) {
  EXPECT_EQ(running_threads("0.44 1.09 1.75 1/85 15848"), 1u);
  EXPECT_EQ(running_threads("12.00 9.50 3.10 130/2051 99\n"), 130u);
}

TEST(Idle, OtherTextsTellNothing) {
  for (const char* text : {"", "0.44", "0.44 1.09 1.75", "0.44 1.09 1.75 ", "0.44 1.09 1.75 x/85", "0.44 1.09 1.75 3",
                           "0.44 1.09 1.75 3 85", "0.44 1.09 1.75 -3/85", "0.00 0.00 0.00 0/0 0",
                           "0.44 1.09 1.75 99999999999999999999/85 1"}) {
    EXPECT_EQ(running_threads(text), std::nullopt) << text;
  }
}

TEST(Idle, TheMachineAnswers) { EXPECT_NO_THROW(has_idle_core()); }

}  // namespace
}  // namespace zt::run
