#include "run/process.h"

#include <unistd.h>

namespace zt::run {

std::int64_t process_id() noexcept { return ::getpid(); }

}  // namespace zt::run
