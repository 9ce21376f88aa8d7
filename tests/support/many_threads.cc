#include "many_threads.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace zt::test {
namespace {

// Far longer than it takes to start threads on the busiest machine. Only a failing test waits so long.
constexpr auto kPatience = std::chrono::seconds(60);

// The threads of one call meet here once. Later they pass without a lock, because a lock would order the work of the
// threads, and so hide a race from the thread sanitizer.
class MeetingPlace {
 public:
  explicit MeetingPlace(std::size_t threads) : threads_(threads) {}

  void arrive() {
    if (met_.load(std::memory_order_relaxed)) return;
    std::unique_lock lock(mutex_);
    arrived_.insert(std::this_thread::get_id());
    if (arrived_.size() >= threads_) {
      met_.store(true, std::memory_order_relaxed);
      all_there_.notify_all();
    }
    const bool met = all_there_.wait_for(lock, kPatience, [this] { return met_.load(std::memory_order_relaxed); });
    if (met) return;
    met_.store(true, std::memory_order_relaxed);  // so that no other thread waits in vain
    ADD_FAILURE() << arrived_.size() << " of " << threads_ << " threads have work";
  }

 private:
  const std::size_t threads_;
  std::atomic<bool> met_ = false;
  std::mutex mutex_;
  std::condition_variable all_there_;
  std::set<std::thread::id> arrived_;
};

}  // namespace

ManyThreads::~ManyThreads() {
  run::set_hook(nullptr);
  EXPECT_GT(calls_, 0U) << "one thread did everything";
}

run::Work ManyThreads::around(const run::Work& work, std::size_t threads) {
  if (threads < 2) return work;
  ++calls_;
  auto place = std::make_shared<MeetingPlace>(threads);
  return [place, &work](std::size_t item) {
    place->arrive();
    work(item);
  };
}

void together(std::size_t threads, const run::Work& work) {
  MeetingPlace place(threads);
  std::vector<std::exception_ptr> errors(threads);
  std::vector<std::thread> started;
  for (std::size_t i = 0; i < threads; ++i) {
    started.emplace_back([&, i] {
      try {
        place.arrive();
        work(i);
      } catch (...) {
        errors[i] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : started) thread.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace zt::test
