#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "ztensor/progress.h"

namespace zt::run {

// Counts the bytes that any thread has done, and calls a Progress callback on the thread that made the Meter.
class Meter {
 public:
  Meter() = default;  // has no callback
  Meter(Progress progress, std::uint64_t total) : progress_(std::move(progress)), total_(total) {}
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

  void add(std::uint64_t bytes) noexcept { done_.fetch_add(bytes, std::memory_order_relaxed); }
  // Calls back if a tenth of a second has passed. Throws cancelled if the callback returns false.
  void poll();
  // The same for work on any thread: only the thread that made the Meter calls back.
  void poll_if_mine() {
    if (std::this_thread::get_id() == maker_) poll();
  }
  // Whether the callback ended the work. Long items check this now and then, and return early.
  bool stopped() const noexcept { return stopped_.load(std::memory_order_relaxed); }
  // Calls back once more, with the final count.
  void finish();

 private:
  void report();

  Progress progress_;
  std::uint64_t total_ = 0;
  std::atomic<std::uint64_t> done_ = 0;
  std::atomic<bool> stopped_ = false;
  std::thread::id maker_ = std::this_thread::get_id();
  std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
};

}  // namespace zt::run
