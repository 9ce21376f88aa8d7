#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "run/progress.h"

namespace zt::run {

inline constexpr unsigned kMostThreads = 1024;

// The number of threads to use, 1 to kMostThreads: `requested` unless it is 0, else ZTENSOR_THREADS, else what the
// affinity and the cgroup quota allow. Throws usage if `requested` or ZTENSOR_THREADS is out of this range.
unsigned thread_count(unsigned requested);

using Work = std::function<void(std::size_t item)>;

// It does not pay to start threads for this many bytes of work, or fewer.
inline constexpr std::uint64_t kWorthThreads = std::uint64_t{8} << 20;

// Runs work(0) ... work(count - 1), each once, started in this order. The call makes and joins threads, but only if
// `bytes` of work exceed kWorthThreads. The calling thread works too, and it alone calls the callback of `meter`. After
// an item has failed, no further items start; the call throws the error of the lowest index. The calling thread does
// `first`, if it is given, before it works on items; the other threads do not wait for this. If `first` throws, no
// further items start, and the call throws this error.
void parallel_for(std::size_t count, std::uint64_t bytes, unsigned threads, Meter& meter, const Work& work,
                  const std::function<void()>& first = {});

// Lets a test start threads for less work, and see which threads do the work, in all calls of the process.
class Hook {
 public:
  virtual ~Hook() = default;
  virtual std::uint64_t worth_threads() noexcept = 0;  // instead of kWorthThreads
  // A call runs the result instead of `work`, which outlives the result. `threads` counts the calling thread too. Any
  // thread may call this.
  virtual Work around(const Work& work, std::size_t threads) = 0;
};

// Null removes the hook. No parallel_for() may run on another thread meanwhile.
void set_hook(Hook* hook) noexcept;

}  // namespace zt::run
