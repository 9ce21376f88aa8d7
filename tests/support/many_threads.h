#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "run/parallel.h"

namespace zt::test {

// While this object lives, parallel_for() starts its threads for any work, however little. All threads of a call must
// have an item before any of them goes on, so no thread can do all the work alone. The test fails if the threads do not
// meet, or if no call used several threads, for example because the test asked for one thread.
class ManyThreads final : public run::Hook {
 public:
  ManyThreads() { run::set_hook(this); }
  ~ManyThreads() override;
  ManyThreads(const ManyThreads&) = delete;
  ManyThreads& operator=(const ManyThreads&) = delete;

  std::size_t calls() const { return calls_; }  // the calls that used several threads

  std::uint64_t worth_threads() noexcept override { return 0; }
  run::Work around(const run::Work& work, std::size_t threads) override;

 private:
  std::atomic<std::size_t> calls_ = 0;
};

// Runs work(0) ... work(threads - 1) at the same time, each on its own thread, and rethrows an exception of one.
void together(std::size_t threads, const run::Work& work);

}  // namespace zt::test
