#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace zt::hash {

// CRC-32C (Castagnoli). `crc` is the value of the bytes before these; 0 for none.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t crc = 0) noexcept;
// The value of A followed by B, from the values of each and the length of B. Logarithmic in that length.
std::uint32_t crc32c_join(std::uint32_t a, std::uint32_t b, std::uint64_t length_of_b) noexcept;
// The same as crc32c() in plain C++: what builds without ISA-L use, and what tests compare with.
std::uint32_t crc32c_portable(std::span<const std::byte> bytes, std::uint32_t crc = 0) noexcept;

}  // namespace zt::hash
