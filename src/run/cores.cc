#include "run/cores.h"

#include <sched.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>

namespace zt::run {
namespace {

namespace fs = std::filesystem;

// The quota and the period are in microseconds. Without a quota, the quota is "max" or -1.
std::optional<unsigned> cores_of(std::istream&& quota_from, std::istream&& period_from) {
  std::int64_t quota = 0;
  std::int64_t period = 0;
  if (!(quota_from >> quota) || !(period_from >> period) || quota <= 0 || period <= 0) return std::nullopt;
  const std::int64_t cores = quota / period + (quota % period != 0 ? 1 : 0);
  return static_cast<unsigned>(std::min<std::int64_t>(cores, std::numeric_limits<unsigned>::max()));
}

// cgroup v2 has both numbers in one file, such as "200000 100000"; v1 has a file for each.
std::optional<unsigned> folder_cores(const fs::path& folder, bool v2) {
  if (!v2) return cores_of(std::ifstream(folder / "cpu.cfs_quota_us"), std::ifstream(folder / "cpu.cfs_period_us"));
  std::ifstream both(folder / "cpu.max");
  std::string quota;
  both >> quota;
  return cores_of(std::istringstream(quota), std::move(both));
}

void take_smaller(std::optional<unsigned>& least, std::optional<unsigned> cores) {
  if (cores && (!least || *cores < *least)) least = cores;
}

// A quota binds all groups below its group. In a container, `group` may be the path on the host, and most of its
// folders may be missing here: we skip them.
std::optional<unsigned> group_cores(const fs::path& mount, const fs::path& group, bool v2) {
  std::optional<unsigned> least;
  for (fs::path at = group.relative_path(); !at.empty(); at = at.parent_path()) {
    take_smaller(least, folder_cores(mount / at, v2));
  }
  take_smaller(least, folder_cores(mount, v2));
  return least;
}

bool lists_cpu(std::string_view controllers) {
  while (!controllers.empty()) {
    const std::size_t comma = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, comma) == "cpu") return true;
    controllers.remove_prefix(std::min(comma + 1, controllers.size()));
  }
  return false;
}

}  // namespace

unsigned affinity_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) {
    return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
  }
  return std::max(1u, std::thread::hardware_concurrency());  // more than 1024 CPUs
}

std::optional<unsigned> quota_cores(const fs::path& membership, const fs::path& mounts) {
  std::optional<unsigned> least;
  std::ifstream lines(membership);
  for (std::string line; std::getline(lines, line);) {  // "hierarchy:controllers:/path"
    const std::size_t first = line.find(':');
    if (first == std::string::npos) continue;
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    if (controllers.empty()) take_smaller(least, group_cores(mounts, group, true));
    if (lists_cpu(controllers)) take_smaller(least, group_cores(mounts / "cpu", group, false));
  }
  return least;
}

}  // namespace zt::run
