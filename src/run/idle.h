#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace zt::run {

// Whether a core of the machine has nothing to do at this moment, as far as the system tells. A second thread that only
// saves time on an idle core asks this first. Takes a few microseconds.
bool has_idle_core();
// The number of threads that run or wait for a core, the caller's among them, from a text as /proc/loadavg has it.
std::optional<std::uint64_t> running_threads(std::string_view loads);

}  // namespace zt::run
