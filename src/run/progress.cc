#include "run/progress.h"

#include "ztensor/error.h"

namespace zt::run {

void Meter::poll() {
  if (!progress_ || std::chrono::steady_clock::now() < next_) return;
  report();
  // The time counts from the end of the callback, so a slow callback does not take all of the time.
  next_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
}

void Meter::finish() {
  if (progress_) report();
}

void Meter::report() {
  try {
    if (progress_(done_.load(std::memory_order_relaxed), total_)) return;
  } catch (...) {
    stopped_.store(true, std::memory_order_relaxed);
    throw;
  }
  stopped_.store(true, std::memory_order_relaxed);
  throw Error(Code::cancelled, "", "stopped by the progress callback");
}

}  // namespace zt::run
