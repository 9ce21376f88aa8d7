#pragma once

#include <cstdint>
#include <limits>

namespace zt {

// How much of each a file may have; more is refused with Code::limit. The defaults admit every sane file.
struct Limits {
  std::uint64_t index_bytes = std::uint64_t{1} << 30;                       // manifest or header, encoded
  std::uint64_t decoded_bytes = std::numeric_limits<std::uint64_t>::max();  // one part, decoded
  std::uint32_t rank = 64;                                                  // dimensions of one tensor
  std::uint32_t parts = 256;                                                // of one tensor
  std::uint32_t depth = 257;  // levels of nested items in the manifest, the root included; at most 1000
};

}  // namespace zt
