#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/endian.h"

// How kernels read blocks.
namespace zt::read::ggml {

inline unsigned byte_at(const std::byte* at) { return static_cast<unsigned>(*at); }
inline int signed_at(const std::byte* at) { return static_cast<std::int8_t>(*at); }
inline unsigned u16_at(const std::byte* at) { return endian::load_le<std::uint16_t>(at); }
inline std::uint32_t u32_at(const std::byte* at) { return endian::load_le<std::uint32_t>(at); }
// Keeps the payload of a NaN.
inline float half_of(unsigned bits) {
  const unsigned sign = (bits & 0x8000) << 16, exponent = bits >> 10 & 31, fraction = bits & 1023;
  if (exponent == 0) return (sign != 0 ? -1.0F : 1.0F) * static_cast<float>(fraction) * 0x1p-24F;
  return std::bit_cast<float>(sign | (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13);
}
inline float half_at(const std::byte* at) { return half_of(u16_at(at)); }
// Number `index` of the 4-bit numbers that lie in bytes, the low half first.
inline unsigned nibble_at(const std::byte* at, unsigned index) {
  return byte_at(at + index / 2) >> (4 * (index % 2)) & 15;
}
inline float real(unsigned value) { return static_cast<float>(value); }
inline float real(int value) { return static_cast<float>(value); }

}  // namespace zt::read::ggml
