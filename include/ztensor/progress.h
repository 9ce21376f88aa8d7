#pragma once

#include <cstdint>
#include <functional>

namespace zt {

// Called with bytes done and bytes to do, at most ten times a second and once at the end, by the thread that called
// the library. Returning false stops the work with Code::cancelled; an exception stops it and is passed on.
using Progress = std::function<bool(std::uint64_t done, std::uint64_t total)>;

}  // namespace zt
