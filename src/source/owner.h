#pragma once

#include <cstdint>

#include "run/process.h"

namespace zt::source {

// The process that made an object. A forked child has a copy of the object, but what that stands for, a file that is
// being written or a lock that another thread has, is its parent's.
class Owner {
 public:
  bool is_this_process() const noexcept { return process_ == run::process_id(); }

 private:
  std::int64_t process_ = run::process_id();
};

}  // namespace zt::source
