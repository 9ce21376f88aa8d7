#include <windows.h>

#include "run/process.h"

namespace zt::run {

std::int64_t process_id() noexcept { return ::GetCurrentProcessId(); }

}  // namespace zt::run
