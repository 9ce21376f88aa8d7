#pragma once

#include <cstdint>

namespace zt {

// A range of bytes in a file.
struct Region {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  friend bool operator==(const Region&, const Region&) = default;
};

}  // namespace zt
