#pragma once

#include <cerrno>

#include "ztensor/error.h"

namespace zt::tools {

// A fault of the file, a missing shard or base, and a file that policy refuses are findings. Any other error ends the work.
inline void throw_unless_finding(const Error& error) {
  switch (error.code()) {
    case Code::malformed:
    case Code::mismatch:
    case Code::unsupported:
    case Code::limit:
    case Code::not_found:  // the base of a delta
    case Code::refused: return;
    case Code::io:
      if (error.os_error() == ENOENT) return;
      throw error;
    default: throw error;
  }
}

}  // namespace zt::tools
