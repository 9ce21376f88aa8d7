#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "bindings.h"

namespace zt::python {

// Lets one thread in at a time. What runs inside may call Python, which may come back: see is_mine().
class Turn {
 public:
  // Whether the calling thread is inside already, so that to wait would be for ever.
  bool is_mine() const noexcept { return owner_.load() == std::this_thread::get_id(); }

  // Runs `work` without the GIL, and waits without it: the thread that is inside may want it. Not when is_mine().
  template <class F>
  void take(F&& work) {
    std::optional<nb::gil_scoped_release> unlocked;
    if (PyGILState_Check() != 0) unlocked.emplace();
    const std::lock_guard alone(mutex_);
    owner_.store(std::this_thread::get_id());
    struct Leave {
      std::atomic<std::thread::id>& owner;
      ~Leave() { owner.store(std::thread::id()); }
    } leave{owner_};
    std::forward<F>(work)();
  }

 private:
  std::mutex mutex_;
  std::atomic<std::thread::id> owner_ = std::thread::id();
};

}  // namespace zt::python
