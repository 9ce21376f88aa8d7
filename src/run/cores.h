#pragma once

#include <filesystem>
#include <optional>

namespace zt::run {

// The cores that the affinity of the process allows. At least 1.
unsigned affinity_cores();
// The cores that the CPU quotas of the process's cgroup and of the cgroups above it allow, rounded up; empty without a
// quota.
// `membership` is /proc/self/cgroup, `mounts` is /sys/fs/cgroup.
std::optional<unsigned> quota_cores(const std::filesystem::path& membership, const std::filesystem::path& mounts);

}  // namespace zt::run
