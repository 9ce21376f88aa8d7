#include "run/parallel.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "environment.h"
#include "errors.h"
#include "many_threads.h"
#include "run/arena.h"
#include "ztensor/error.h"

namespace zt::run {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kMuch = std::uint64_t{1} << 30;

void nap(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

TEST(ThreadsParallel, RunsEachItemOnce) {
  for (const unsigned threads : {0u, 1u, 2u, 7u, 100u}) {
    for (const std::size_t count : {0u, 1u, 2u, 1000u}) {
      std::vector<std::atomic<int>> runs(count);
      Meter meter;
      parallel_for(count, kMuch, threads, meter, [&](std::size_t i) { runs[i].fetch_add(1); });
      for (const auto& run : runs) ASSERT_EQ(run, 1) << threads;
    }
  }
}

TEST(ThreadsParallel, StaysOnTheCallersThreadForLittleWork) {
  Meter meter;
  const auto caller = std::this_thread::get_id();
  std::vector<std::size_t> order;
  parallel_for(50, 8 << 20, 8, meter, [&](std::size_t i) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    order.push_back(i);
  });
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(order.size(), 50u);
}

TEST(ThreadsParallel, WorksOnSeveralThreadsAtOnceTheCallerAmongThem) {
  Meter meter;
  std::mutex mutex;
  std::set<std::thread::id> ids;
  std::atomic<int> inside = 0;
  parallel_for(3, kMuch, 3, meter, [&](std::size_t) {
    inside.fetch_add(1);
    while (inside != 3) nap(1);  // hangs unless all three run at the same time
    const std::lock_guard lock(mutex);
    ids.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(ids.size(), 3u);
  EXPECT_EQ(ids.count(std::this_thread::get_id()), 1u);
}

TEST(ThreadsParallel, ThrowsTheErrorOfTheLowestItem) {
  for (int round = 0; round < 50; ++round) {
    Meter meter;
    try {
      parallel_for(64, kMuch, 4, meter, [&](std::size_t i) {
        if (i == 9) nap(1);  // so that later items fail first
        if (i >= 9) throw Error(Code::io, "", std::to_string(i));
      });
      FAIL();
    } catch (const Error& e) {
      EXPECT_STREQ(e.what(), "9");
    }
  }
}

TEST(ThreadsParallel, StartsNothingAfterAFailure) {
  Meter meter;
  std::atomic<std::size_t> last = 0;
  EXPECT_THROW(parallel_for(100000, kMuch, 4, meter,
                            [&](std::size_t i) {
                              last = std::max(last.load(), i);
                              if (i == 5) throw std::runtime_error("five");
                              nap(1);
                            }),
               std::runtime_error);
  EXPECT_LT(last, 50000u);
  std::size_t serial = 0;
  EXPECT_THROW(parallel_for(10, 1, 4, meter,
                            [&](std::size_t i) {
                              serial = i;
                              if (i == 5) throw std::runtime_error("five");
                            }),
               std::runtime_error);
  EXPECT_EQ(serial, 5u);
}

TEST(ThreadsParallel, TheCallerDoesItsOwnWorkFirstWhileTheOthersWork) {
  Meter meter;
  std::atomic<std::size_t> items = 0;
  std::size_t items_meanwhile = 0;
  const auto own = [&] {
    while (items < 3) nap(1);  // hangs if the other thread waits for this work
    items_meanwhile = items;
  };
  parallel_for(
      100, kMuch, 2, meter, [&](std::size_t) { ++items; }, own);
  EXPECT_GE(items_meanwhile, 3u);
  EXPECT_EQ(items, 100u);

  std::vector<std::size_t> order;
  parallel_for(
      2, 1, 2, meter, [&](std::size_t i) { order.push_back(i); }, [&] { order.push_back(9); });
  EXPECT_EQ(order, (std::vector<std::size_t>{9, 0, 1}));
}

TEST(ThreadsParallel, AfterAFaultOfItsOwnWorkNothingStarts) {
  for (const std::uint64_t much : {std::uint64_t{1}, kMuch}) {
    Meter meter;
    std::atomic<std::size_t> items = 0;
    const auto work = [&](std::size_t) {
      ++items;
      nap(1);
    };
    EXPECT_THROW(parallel_for(100000, much, 2, meter, work, [] { throw std::out_of_range("mine"); }),
                 std::out_of_range);
    EXPECT_LT(items, 50000u);
  }
}

// Waits in every thread except the caller's until `let_go`.
void wait_in_helpers(const std::thread::id caller, const std::atomic<bool>& let_go) {
  while (std::this_thread::get_id() != caller && !let_go) nap(1);
}

TEST(ThreadsParallel, CallsBackWhileItWaitsForTheOthers) {
  const auto caller = std::this_thread::get_id();
  std::atomic<bool> let_go = false;
  int calls = 0;
  Meter meter(
      [&](std::uint64_t, std::uint64_t) {
        EXPECT_EQ(std::this_thread::get_id(), caller);
        let_go = ++calls == 2;
        return true;
      },
      2);
  // Hangs if the caller, whose own items are done at once, does not poll.
  std::atomic<int> inside = 0;
  parallel_for(2, kMuch, 2, meter, [&](std::size_t) {
    inside.fetch_add(1);
    while (inside != 2) nap(1);
    wait_in_helpers(caller, let_go);
  });
  EXPECT_EQ(calls, 2);
}

TEST(ThreadsParallel, CancelsSoonAndJoinsFirst) {
  std::atomic<int> inside = 0;
  std::atomic<std::size_t> done = 0;
  Meter meter([](std::uint64_t, std::uint64_t) { return false; }, 1);
  const auto start = Clock::now();
  try {
    parallel_for(100000, kMuch, 3, meter, [&](std::size_t) {
      inside.fetch_add(1);
      nap(2);
      inside.fetch_sub(1);
      done.fetch_add(1);
    });
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::cancelled);
  }
  EXPECT_EQ(inside, 0) << "a thread outlived the call";
  EXPECT_LT(done, 5000u);
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(5));
}

TEST(ThreadsParallel, PassesOnWhatTheCallbackThrows) {
  Meter meter([](std::uint64_t, std::uint64_t) -> bool { throw std::out_of_range("mine"); }, 1);
  for (const std::uint64_t much : {std::uint64_t{1}, kMuch}) {
    EXPECT_THROW(parallel_for(1000, much, 3, meter, [&](std::size_t) { nap(2); }), std::out_of_range);
  }
}

// The ids of the threads that run `count` items of one byte each.
std::multiset<std::thread::id> threads_of(std::size_t count, unsigned threads) {
  Meter meter;
  std::mutex mutex;
  std::multiset<std::thread::id> ids;
  parallel_for(count, count, threads, meter, [&](std::size_t) {
    const std::lock_guard lock(mutex);
    ids.insert(std::this_thread::get_id());
  });
  return ids;
}

TEST(ThreadsParallel, TestsHaveAllThreadsWorkOnAFewBytes) {
  EXPECT_EQ(threads_of(3, 3).count(std::this_thread::get_id()), 3U);
  {
    test::ManyThreads many;
    for (int round = 0; round < 50; ++round) {
      const auto ids = threads_of(3, 3);
      EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), 3U);
      EXPECT_EQ(threads_of(10, 4).size(), 10U);
    }
    EXPECT_EQ(many.calls(), 100U);
  }
  EXPECT_EQ(threads_of(3, 3).count(std::this_thread::get_id()), 3U) << "it is over";
}

TEST(ThreadsParallel, ATestThatStartsNoThreadsFails) {
  const auto alone = [] {
    const test::ManyThreads many;
    threads_of(3, 1);
    threads_of(1, 3);
    threads_of(0, 3);
  };
  EXPECT_NONFATAL_FAILURE(alone(), "one thread did everything");
}

class ThreadCount : public testing::Test {
 protected:
  void SetUp() override {
    const char* text = std::getenv("ZTENSOR_THREADS");
    if (text != nullptr) before_ = text;
    test::set_environment("ZTENSOR_THREADS", "");
  }
  void TearDown() override { test::set_environment("ZTENSOR_THREADS", before_); }

 private:
  std::string before_;
};

TEST_F(ThreadCount, IsWhatTheCallerAsksFor) {
  test::set_environment("ZTENSOR_THREADS", "3");
  EXPECT_EQ(thread_count(5), 5u);
  EXPECT_EQ(thread_count(0), 3u);
}

TEST_F(ThreadCount, RefusesJunkInTheEnvironmentUnlessTheCallerAsks) {
  for (const char* junk : {"0", "-1", "+2", "2x", " 2", "1025", "99999999999999999999", "many"}) {
    test::set_environment("ZTENSOR_THREADS", junk);
    const Error error = test::error_of([] { thread_count(0); });
    EXPECT_EQ(error.code(), Code::usage);
    EXPECT_EQ(std::string(error.what()), "the environment variable ZTENSOR_THREADS is '" + std::string(junk) +
                                             "': expected a whole number from 1 to 1024");
    EXPECT_EQ(thread_count(2), 2u);
  }
}

TEST_F(ThreadCount, TakesAnEmptyVariableForNone) {
  const unsigned own = thread_count(0);
  EXPECT_GE(own, 1u);
  test::set_environment("ZTENSOR_THREADS", "");
  EXPECT_EQ(thread_count(0), own);
}

TEST_F(ThreadCount, RefusesMoreThanAThousandThreads) {
  EXPECT_EQ(thread_count(1024), 1024u);
  EXPECT_EQ(test::error_of([] { thread_count(1025); }).code(), Code::usage);
}

TEST(Allocate, GivesAlignedMemoryOfAnySize) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{65}, (std::size_t{8} << 20) - 1,
                                 std::size_t{8} << 20, (std::size_t{9} << 20) + 1}) {
    const Buffer buffer = allocate(size);
    EXPECT_EQ(buffer.bytes.size(), size);
#ifdef _WIN32  // has no huge pages for everyone
    const std::size_t alignment = 64;
#else
    const std::size_t alignment = size < (std::size_t{8} << 20) ? 64 : std::size_t{2} << 20;
#endif
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.bytes.data()) % alignment, 0u);
    EXPECT_NE(buffer.bytes.data(), nullptr);
    std::fill(buffer.bytes.begin(), buffer.bytes.end(), std::byte{1});
  }
}

TEST(Allocate, SaysWhenThereIsNoMemory) {
  const std::size_t most = ~std::size_t{0};
  for (const std::size_t size : {most, most - 63, most - (std::size_t{2} << 20), std::size_t{1} << 62}) {
    try {
      allocate(size);
      FAIL();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::no_memory);
    }
  }
}

}  // namespace
}  // namespace zt::run
