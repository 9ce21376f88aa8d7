#pragma once

#include <cstdint>

namespace zt::io {

// Identifies a file, whatever its name is.
struct Identity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  friend bool operator==(const Identity&, const Identity&) = default;
};

}  // namespace zt::io
