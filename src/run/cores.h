#pragma once

#include <filesystem>
#include <optional>

namespace zt::run {

// Whole cores that the process may use by its affinity. At least 1.
unsigned affinity_cores();
// Cores that the CPU quota of the process's cgroup and of those above it leaves, rounded up; empty without a quota.
// `membership` is /proc/self/cgroup, `mounts` is /sys/fs/cgroup.
std::optional<unsigned> quota_cores(const std::filesystem::path& membership, const std::filesystem::path& mounts);

}  // namespace zt::run
