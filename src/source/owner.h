#pragma once

#include <cstdint>

#include "run/process.h"

namespace zt::source {

// The process that made an object. A forked child has a copy of the object, but a file being written or a lock that a
// thread holds still belongs to the parent.
class Owner {
 public:
  bool is_this_process() const noexcept { return process_ == run::process_id(); }

 private:
  std::int64_t process_ = run::process_id();
};

}  // namespace zt::source
