#pragma once

#include "ztensor/error.h"

namespace zt::library {

// What is wrong with a file is a finding; anything else ends the work.
inline void throw_unless_finding(const Error& error) {
  switch (error.code()) {
    case Code::malformed:
    case Code::mismatch:
    case Code::unsupported:
    case Code::limit: return;
    default: throw error;
  }
}

}  // namespace zt::library
