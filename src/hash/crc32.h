#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace zt::hash {

// The CRC-32 of zip archives, gzip and PNG. `crc` is the value of the bytes before `bytes`; 0 if there are none.
std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t crc = 0) noexcept;
// The value of A followed by B, from the value of each. The time is logarithmic in the length of B.
std::uint32_t crc32_join(std::uint32_t a, std::uint32_t b, std::uint64_t length_of_b) noexcept;
// crc32() in plain C++. Builds without ISA-L use it, and tests compare with it.
std::uint32_t crc32_portable(std::span<const std::byte> bytes, std::uint32_t crc = 0) noexcept;

}  // namespace zt::hash
