#pragma once

#include <chrono>

namespace zt::run {

// Sleeps, to wait for another process.
void pause(std::chrono::milliseconds time);

}  // namespace zt::run
