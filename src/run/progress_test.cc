#include "run/progress.h"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "many_threads.h"
#include "ztensor/error.h"

namespace zt::run {
namespace {

void wait_past_a_tenth() { std::this_thread::sleep_for(std::chrono::milliseconds(105)); }

TEST(Meter, NeverStopsWithoutACallback) {
  Meter meter;
  meter.add(5);
  wait_past_a_tenth();
  EXPECT_NO_THROW(meter.poll());
  EXPECT_NO_THROW(meter.finish());
  EXPECT_FALSE(meter.stopped());
}

TEST(ThreadsProgress, CountsWhatAllThreadsAddAndStopsThemAll) {
  std::uint64_t last = 0;
  Meter meter(
      [&](std::uint64_t done, std::uint64_t) {
        EXPECT_GE(done, last);
        last = done;
        return done < 4000;
      },
      4000);
  test::together(4, [&](std::size_t) {
    for (int i = 0; i < 1000; ++i) {
      meter.add(1);
      meter.poll_if_mine();
      EXPECT_FALSE(meter.stopped());
    }
  });
  EXPECT_THROW(meter.finish(), Error);
  EXPECT_EQ(last, 4000U);
  test::together(4, [&](std::size_t) { EXPECT_TRUE(meter.stopped()); });
}

TEST(Meter, CallsBackAtMostTenTimesASecondAndOnceAtTheEnd) {
  using Clock = std::chrono::steady_clock;
  std::vector<std::uint64_t> seen;
  auto last = Clock::now();
  Meter meter(
      [&](std::uint64_t done, std::uint64_t total) {
        EXPECT_EQ(total, 10u);
        EXPECT_TRUE(done == 10 || Clock::now() - last >= std::chrono::milliseconds(100));
        last = Clock::now();
        seen.push_back(done);
        return true;
      },
      10);
  meter.add(3);
  while (seen.size() < 2) meter.poll();
  meter.add(7);
  meter.finish();
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{3, 3, 10}));
}

TEST(Meter, CancelsWhenTheCallbackSaysSo) {
  Meter meter([](std::uint64_t, std::uint64_t) { return false; }, 1);
  wait_past_a_tenth();
  for (int i = 0; i < 2; ++i) {
    try {
      i == 0 ? meter.poll() : meter.finish();
      FAIL();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::cancelled);
    }
  }
}

TEST(Meter, PassesOnWhatTheCallbackThrows) {
  Meter meter([](std::uint64_t, std::uint64_t) -> bool { throw std::out_of_range("mine"); }, 1);
  EXPECT_THROW(meter.finish(), std::out_of_range);
}

}  // namespace
}  // namespace zt::run
