#pragma once

#include <bit>
#include <cstdint>
#include <optional>

// Converts floating-point numbers, as bits, between double and narrower widths without a loss.
namespace zt::wire {

// A binary floating-point format narrower than double.
struct Width {
  int exponent_bits;
  int fraction_bits;
};
inline constexpr Width kHalf{5, 10}, kSingle{8, 23};
inline constexpr int kDoubleBias = 1023, kDoubleFraction = 52, kDoubleSpecial = 2047;

// The bits of the double of the same value. We convert bits, because the machine's conversion makes signalling NaNs
// quiet and, if it flushes subnormals, makes small numbers zero.
inline std::uint64_t widen(std::uint64_t bits, Width width) {
  const int special = (1 << width.exponent_bits) - 1;
  const int bias = special / 2;
  const std::uint64_t sign = bits >> (width.exponent_bits + width.fraction_bits) << 63;
  int exponent = static_cast<int>(bits >> width.fraction_bits) & special;
  std::uint64_t fraction = bits & ((std::uint64_t{1} << width.fraction_bits) - 1);
  if (exponent == 0 && fraction == 0) return sign;
  if (exponent == 0) {  // subnormal: shift until the leading one is the implied one
    const int shift = width.fraction_bits + 1 - static_cast<int>(std::bit_width(fraction));
    fraction = (fraction << shift) & ((std::uint64_t{1} << width.fraction_bits) - 1);
    exponent = 1 - shift;
  }
  const int wide = exponent == special ? kDoubleSpecial : exponent - bias + kDoubleBias;
  return sign | static_cast<std::uint64_t>(wide) << kDoubleFraction |
         fraction << (kDoubleFraction - width.fraction_bits);
}

// The bits in the narrower format that widen() takes to `bits`; empty if there are none.
inline std::optional<std::uint64_t> narrow(std::uint64_t bits, Width width) {
  const int special = (1 << width.exponent_bits) - 1;
  const int bias = special / 2;
  const std::uint64_t sign = bits >> 63 << (width.exponent_bits + width.fraction_bits);
  const int wide = static_cast<int>(bits >> kDoubleFraction) & kDoubleSpecial;
  std::uint64_t fraction = bits & ((std::uint64_t{1} << kDoubleFraction) - 1);
  int shift = kDoubleFraction - width.fraction_bits;
  int exponent = wide == kDoubleSpecial ? special : wide - kDoubleBias + bias;
  if (wide == 0) {
    if (fraction != 0) return std::nullopt;  // a subnormal double is smaller than any single
    return sign;
  }
  if (wide != kDoubleSpecial && exponent >= special) return std::nullopt;
  if (exponent <= 0) {
    fraction |= std::uint64_t{1} << kDoubleFraction;
    shift += 1 - exponent;
    exponent = 0;
  }
  if (shift > kDoubleFraction) return std::nullopt;  // below the smallest subnormal
  if ((fraction & ((std::uint64_t{1} << shift) - 1)) != 0) return std::nullopt;
  return sign | static_cast<std::uint64_t>(exponent) << width.fraction_bits | fraction >> shift;
}

}  // namespace zt::wire
