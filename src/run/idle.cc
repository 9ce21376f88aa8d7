#include "run/idle.h"

#include <charconv>
#include <fstream>
#include <string>
#include <thread>

namespace zt::run {

// "0.44 1.09 1.75 1/85 15848": the fourth field has the number before the slash.
std::optional<std::uint64_t> running_threads(std::string_view loads) {
  for (int field = 0; field < 3; ++field) {
    const std::size_t space = loads.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    loads.remove_prefix(space + 1);
  }
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(loads.data(), loads.data() + loads.size(), count);
  // Sandboxes say 0, although the caller runs: they do not know.
  if (error != std::errc() || end == loads.data() + loads.size() || *end != '/' || count == 0) return std::nullopt;
  return count;
}

bool has_idle_core() {
  std::string loads;
  std::getline(std::ifstream("/proc/loadavg"), loads);
  const auto running = running_threads(loads);
  return running && *running < std::thread::hardware_concurrency();
}

}  // namespace zt::run
