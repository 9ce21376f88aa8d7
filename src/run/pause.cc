#include "run/pause.h"

#include <thread>

namespace zt::run {

void pause(std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }

}  // namespace zt::run
