#pragma once

#include "hash/crc32.h"
#include "hash/crc32c.h"
#include "ztensor/digest.h"

// The digests whose values of pieces can be joined, in any order of the work.
namespace zt::hash {

inline bool is_crc(Checksum algorithm) noexcept {
  return algorithm == Checksum::crc32c || algorithm == Checksum::crc32;
}

// `algorithm` must be a CRC. `crc` is the value of the bytes before `bytes`; 0 if there are none.
inline std::uint32_t crc_of(Checksum algorithm, std::span<const std::byte> bytes, std::uint32_t crc = 0) noexcept {
  return algorithm == Checksum::crc32 ? crc32(bytes, crc) : crc32c(bytes, crc);
}
// The value of A followed by B, from the value of each.
inline std::uint32_t crc_join(Checksum algorithm, std::uint32_t a, std::uint32_t b,
                              std::uint64_t length_of_b) noexcept {
  return algorithm == Checksum::crc32 ? crc32_join(a, b, length_of_b) : crc32c_join(a, b, length_of_b);
}

}  // namespace zt::hash
