#include <algorithm>
#include <bit>
#include <thread>

#include <windows.h>

#include "run/cores.h"

namespace zt::run {

unsigned affinity_cores() {
  DWORD_PTR process = 0;
  DWORD_PTR system = 0;
  if (::GetProcessAffinityMask(::GetCurrentProcess(), &process, &system) != 0 && process != 0) {
    return static_cast<unsigned>(std::popcount(static_cast<std::uint64_t>(process)));
  }
  return std::max(1u, std::thread::hardware_concurrency());  // the process has threads in several groups
}

std::optional<unsigned> quota_cores(const std::filesystem::path&, const std::filesystem::path&) { return std::nullopt; }

}  // namespace zt::run
