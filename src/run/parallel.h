#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "run/progress.h"

namespace zt::run {

inline constexpr unsigned kMostThreads = 1024;

// Threads to use: `requested`, else ZTENSOR_THREADS, else what affinity and the cgroup quota leave. 1 to kMostThreads.
// Throws usage for another number, and for a ZTENSOR_THREADS that is set and no such number.
unsigned thread_count(unsigned requested);

using Work = std::function<void(std::size_t item)>;

// Bytes of work that are not yet worth starting threads for.
inline constexpr std::uint64_t kWorthThreads = std::uint64_t{8} << 20;

// Runs work(0) ... work(count - 1), each once, started in that order. Threads are made and joined within the call,
// and only when `bytes` of work exceed kWorthThreads; the calling thread works too, and is the only one to call `meter`'s
// callback. When items fail, the remaining ones are not started and the error of the lowest index is thrown.
void parallel_for(std::size_t count, std::uint64_t bytes, unsigned threads, Meter& meter, const Work& work);

// Lets a test start threads for less work, and see which threads do it, in all calls of the process.
class Hook {
 public:
  virtual ~Hook() = default;
  virtual std::uint64_t worth_threads() noexcept = 0;  // instead of kWorthThreads
  // What a call that uses so many threads, its own among them, runs instead of `work`, which outlives it. Any thread.
  virtual Work around(const Work& work, std::size_t threads) = 0;
};

// Null: none. The caller sees to it that no parallel_for() is under way on another thread.
void set_hook(Hook* hook) noexcept;

}  // namespace zt::run
