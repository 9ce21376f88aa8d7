#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include <unistd.h>

#include "bindings.h"
#include "gil.h"

namespace zt::python {

// Lets in one thread of one process at a time. Work inside may call Python, which may call in again: see check().
class Turn {
 public:
  // `whose`: "the writer"
  explicit Turn(std::string whose) : whose_(std::move(whose)) {}

  // Throws usage if waiting might never end: if this thread is inside already, or in a child of the process that made
  // this object. The child has a copy of the lock, but not the thread that held it at the fork.
  void check() const {
    if (!is_here()) {
      throw_usage(whose_ + " belongs to the process that made it: make a new one in this process");
    }
    if (owner_.load() == std::this_thread::get_id()) throw_usage(whose_ + " was called from within one of its calls");
  }
  bool is_here() const noexcept { return made_by_ == ::getpid(); }

  // Runs `work` without the GIL. Waits without it too: the thread inside may need it. Throws as check().
  template <class F>
  void take(F&& work) {
    check();
    const GilReleased unlocked;
    std::unique_lock alone(mutex_, std::defer_lock);
    if (!ends_interpreter()) {
      alone.lock();
    } else if (!alone.try_lock()) {
      throw_usage(whose_ + " is in use by a thread that stopped at the end of the program");
    }
    owner_.store(std::this_thread::get_id());
    struct Leave {
      std::atomic<std::thread::id>& owner;
      ~Leave() { owner.store(std::thread::id()); }
    } leave{owner_};
    std::forward<F>(work)();
  }

 private:
  const std::string whose_;
  const pid_t made_by_ = ::getpid();
  std::mutex mutex_;
  std::atomic<std::thread::id> owner_ = std::thread::id();
};

}  // namespace zt::python
