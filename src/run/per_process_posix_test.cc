#include "run/per_process.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <mutex>
#include <thread>

#include "child.h"
#include "many_threads.h"

namespace zt::run {
namespace {

TEST(PerProcess, KeepsItsValueWithinAProcess) {
  PerProcess<int> number;
  EXPECT_EQ(number.here(), 0);
  number.here() = 7;
  EXPECT_EQ(number.here(), 7);
}

TEST(PerProcess, IsNewInAChildAndStaysInTheParent) {
  PerProcess<int> number;
  number.here() = 7;
  EXPECT_TRUE(test::in_child([&] {
    const bool fresh = number.here() == 0;
    number.here() = 8;
    return fresh && number.here() == 8;
  }));
  EXPECT_EQ(number.here(), 7);
}

TEST(PerProcess, GivesAChildALockThatNoLostThreadHolds) {
  PerProcess<std::mutex> lock;
  std::atomic<bool> held = false;
  std::atomic<bool> done = false;
  std::thread holder([&] {
    const std::lock_guard guard(lock.here());
    held = true;
    held.notify_one();
    done.wait(false);
  });
  held.wait(false);
  EXPECT_TRUE(test::in_child([&] {
    const std::lock_guard guard(lock.here());
    return true;
  }));
  done = true;
  done.notify_one();
  holder.join();
}

TEST(ThreadsPerProcess, AreGivenOneValue) {
  for (int round = 0; round < 100; ++round) {
    PerProcess<std::mutex> lock;
    std::array<std::mutex*, 8> seen = {};
    int sum = 0;
    test::together(seen.size(), [&](std::size_t thread) {
      seen[thread] = &lock.here();
      const std::lock_guard guard(lock.here());
      ++sum;
    });
    EXPECT_EQ(sum, 8);
    for (const std::mutex* each : seen) EXPECT_EQ(each, seen[0]);
  }
}

}  // namespace
}  // namespace zt::run
