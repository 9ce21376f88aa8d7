#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

// What codes for single bytes would take. All in integers, so that each machine makes the same choice.
namespace zt::codec {

inline constexpr std::uint32_t kEntropyBit = 1 << 16;  // the unit of logarithms and entropies: one bit

using ByteCounts = std::array<std::uint32_t, 256>;  // by byte value

// log2(x) for x > 0, in units of 1 / kEntropyBit.
constexpr std::uint32_t log2_of(std::uint32_t x) {
  const auto whole = static_cast<std::uint32_t>(std::bit_width(x) - 1);
  std::uint64_t mantissa = (std::uint64_t{x} << 31) >> whole;  // from 1 to 2, in units of 2^-31
  std::uint32_t result = whole;
  for (int bit = 0; bit < 16; ++bit) {
    mantissa = (mantissa * mantissa) >> 31;
    result <<= 1;
    if (mantissa >> 32 != 0) {
      mantissa >>= 1;
      result |= 1;
    }
  }
  return result;
}

// The same to about one part in 200, in a few instructions.
std::uint32_t rough_log2_of(std::uint32_t x) noexcept;

ByteCounts count_bytes(std::span<const std::byte> bytes) noexcept;

// Bits that a byte of `bytes`, which have these counts, needs if each byte value has a code of its own, in units of
// 1 / kEntropyBit. `bytes` are not empty.
std::uint64_t entropy_of(const ByteCounts& counts, std::span<const std::byte> bytes) noexcept;

}  // namespace zt::codec
