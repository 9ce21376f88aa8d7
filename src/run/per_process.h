#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "run/process.h"

namespace zt::run {

// A T of each process that uses it, made when the process first asks: for locks and what they guard. A forked child has
// a copy of its parent's T, which another thread of the parent may have had locked and half changed at the fork. So the
// child never touches that copy: it makes a T of its own, and leaves the copy in memory. Any thread; none ever waits.
template <class T>
class PerProcess {
 public:
  PerProcess() = default;
  ~PerProcess() {
    const Made* made = made_.load(std::memory_order_acquire);
    if (made != nullptr && made->process == process_id()) delete made;
  }
  PerProcess(const PerProcess&) = delete;
  PerProcess& operator=(const PerProcess&) = delete;

  T& here() {
    const std::int64_t process = process_id();
    Made* made = made_.load(std::memory_order_acquire);
    if (made != nullptr && made->process == process) return made->value;
    auto mine = std::make_unique<Made>(process);
    // Another thread of this process may be faster: then its T counts.
    while (!made_.compare_exchange_weak(made, mine.get(), std::memory_order_acq_rel, std::memory_order_acquire)) {
      if (made != nullptr && made->process == process) return made->value;
    }
    return mine.release()->value;
  }

 private:
  struct Made {
    explicit Made(std::int64_t maker) : process(maker) {}
    std::int64_t process;
    T value = {};
  };
  std::atomic<Made*> made_ = nullptr;
};

}  // namespace zt::run
