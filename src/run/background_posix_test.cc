#include "run/background.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <memory>

#include "child.h"

namespace zt::run {
namespace {

TEST(ThreadsBackground, DoTheirWorkUntilItReturns) {
  std::atomic<int> done = 0;
  Background background;
  const std::size_t started = background.start(3, [&] { ++done; });
  background.join();
  EXPECT_EQ(started, 3U);
  EXPECT_EQ(done, 3);
  background.join();  // nothing is left to wait for
}

TEST(ThreadsBackground, AreJoinedByTheDestructor) {
  std::atomic<bool> go = false;
  std::atomic<int> done = 0;
  {
    Background background;
    background.start(2, [&] {
      go.wait(false);
      ++done;
    });
    go = true;
    go.notify_all();
  }
  EXPECT_EQ(done, 2);
}

TEST(ThreadsBackground, LeaveSignalsOfTheProcessToOthers) {
  std::atomic<bool> blocked = false;
  std::atomic<bool> faults_blocked = true;
  Background background;
  background.start(1, [&] {
    sigset_t mask;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    blocked = ::sigismember(&mask, SIGINT) == 1 && ::sigismember(&mask, SIGTERM) == 1;
    faults_blocked = ::sigismember(&mask, SIGSEGV) == 1 || ::sigismember(&mask, SIGBUS) == 1;
  });
  background.join();
  EXPECT_TRUE(blocked);
  EXPECT_FALSE(faults_blocked);
  sigset_t own;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &own);
  EXPECT_EQ(::sigismember(&own, SIGINT), 0);
}

TEST(Background, IsLeftAloneByAForkedChild) {
  std::atomic<bool> go = false;
  auto background = std::make_unique<Background>();
  background->start(2, [&] { go.wait(false); });
  EXPECT_TRUE(test::in_child([&] {
    background.reset();
    return true;
  }));
  go = true;
  go.notify_all();
}

}  // namespace
}  // namespace zt::run
