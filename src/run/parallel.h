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

// Runs work(0) ... work(count - 1), each once, started in that order. Threads are made and joined within the call,
// and only when `bytes` of work exceed 8 MiB; the calling thread works too, and is the only one to call `meter`'s
// callback. When items fail, the remaining ones are not started and the error of the lowest index is thrown.
void parallel_for(std::size_t count, std::uint64_t bytes, unsigned threads, Meter& meter,
                  const std::function<void(std::size_t)>& work);

}  // namespace zt::run
