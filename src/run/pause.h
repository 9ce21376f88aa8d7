#pragma once

#include <chrono>

namespace zt::run {

// Waits, for what another process is about to do.
void pause(std::chrono::milliseconds time);

}  // namespace zt::run
