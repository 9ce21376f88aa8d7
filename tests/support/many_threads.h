#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "run/parallel.h"

namespace zt::test {

// As long as it lives, parallel_for() starts its threads for any work, however little, and all threads of a call have
// an item in hand before any of them goes on: none can do all of the work before another one is there. It is a failure
// when they do not come together, and when no call used several threads: then the test asked for one, or gave no work.
class ManyThreads final : public run::Hook {
 public:
  ManyThreads() { run::set_hook(this); }
  ~ManyThreads() override;
  ManyThreads(const ManyThreads&) = delete;
  ManyThreads& operator=(const ManyThreads&) = delete;

  std::size_t calls() const { return calls_; }  // those that used several threads

  std::uint64_t worth_threads() noexcept override { return 0; }
  run::Work around(const run::Work& work, std::size_t threads) override;

 private:
  std::atomic<std::size_t> calls_ = 0;
};

// Runs work(0) ... work(threads - 1) at the same time, each on a thread of its own, and passes on what one throws.
void together(std::size_t threads, const run::Work& work);

}  // namespace zt::test
