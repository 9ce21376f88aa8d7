#include <algorithm>
#include <thread>

#include "run/cores.h"

// Never compiled: nobody here has macOS.
namespace zt::run {

unsigned affinity_cores() { return std::max(1u, std::thread::hardware_concurrency()); }

std::optional<unsigned> quota_cores(const std::filesystem::path&, const std::filesystem::path&) { return std::nullopt; }

}  // namespace zt::run
