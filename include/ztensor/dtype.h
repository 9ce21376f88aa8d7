#pragma once

#include <bit>
#include <complex>
#include <cstdint>
#include <optional>
#include <ranges>
#include <string_view>

#include "ztensor/macros.h"

namespace zt {

// clang-format off
// How one element is stored: a storage type, or a logical type over a storage type (spec/zt-1.2.md §5).
enum class DType : std::uint8_t {
  f64, f32, f16, bf16, i64, i32, i16, i8, u64, u32, u16, u8, boolean,
  f8_e4m3fn, f8_e5m2, f8_e4m3fnuz, f8_e5m2fnuz, f8_e8m0, f4_e2m1, complex64, complex128,
};
inline constexpr std::uint8_t kDTypeCount = 21;
// clang-format on

// The name that users see: "float32", "bfloat16", "bool", "float8_e4m3fn", "float4_e2m1fn", ...
[[nodiscard]] ZT_API std::string_view dtype_name(DType dtype) noexcept;
[[nodiscard]] ZT_API std::optional<DType> find_dtype(std::string_view name) noexcept;

// Bits of one element: 4 for f4_e2m1, else a multiple of 8.
[[nodiscard]] ZT_API unsigned dtype_bits(DType dtype) noexcept;

// Bytes of `elements` elements. Two float4 elements share a byte: the first is in the low half, and after an odd last
// one the high half is zero. Empty where the number of bytes has more than 64 bits.
[[nodiscard]] ZT_API std::optional<std::uint64_t> byte_length(DType dtype, std::uint64_t elements) noexcept;

// clang-format off
// Plain storage of the types that C++ lacks; no arithmetic. A float16 or bfloat16 converts to float exactly. round()
// converts a float to the nearest value, ties to even; a float that is too large becomes infinite, a NaN stays a NaN.
struct float16 {
  std::uint16_t bits;
  [[nodiscard]] static float16 round(float value) noexcept;
  explicit operator float() const noexcept;
  friend bool operator==(float16, float16) = default;
};
struct bfloat16 {
  std::uint16_t bits;
  [[nodiscard]] static bfloat16 round(float value) noexcept;
  explicit operator float() const noexcept;
  friend bool operator==(bfloat16, bfloat16) = default;
};
struct float8_e4m3fn { std::uint8_t bits; friend bool operator==(float8_e4m3fn, float8_e4m3fn) = default; };
struct float8_e5m2 { std::uint8_t bits; friend bool operator==(float8_e5m2, float8_e5m2) = default; };
struct float8_e4m3fnuz { std::uint8_t bits; friend bool operator==(float8_e4m3fnuz, float8_e4m3fnuz) = default; };
struct float8_e5m2fnuz { std::uint8_t bits; friend bool operator==(float8_e5m2fnuz, float8_e5m2fnuz) = default; };
struct float8_e8m0 { std::uint8_t bits; friend bool operator==(float8_e8m0, float8_e8m0) = default; };

// The dtype that a C++ element type stands for. std::uint8_t stands for u8, and is accepted for boolean, too.
template <class T> struct dtype_of;
template <> struct dtype_of<double> { static constexpr DType value = DType::f64; };
template <> struct dtype_of<float> { static constexpr DType value = DType::f32; };
template <> struct dtype_of<float16> { static constexpr DType value = DType::f16; };
template <> struct dtype_of<bfloat16> { static constexpr DType value = DType::bf16; };
template <> struct dtype_of<std::int64_t> { static constexpr DType value = DType::i64; };
template <> struct dtype_of<std::int32_t> { static constexpr DType value = DType::i32; };
template <> struct dtype_of<std::int16_t> { static constexpr DType value = DType::i16; };
template <> struct dtype_of<std::int8_t> { static constexpr DType value = DType::i8; };
template <> struct dtype_of<std::uint64_t> { static constexpr DType value = DType::u64; };
template <> struct dtype_of<std::uint32_t> { static constexpr DType value = DType::u32; };
template <> struct dtype_of<std::uint16_t> { static constexpr DType value = DType::u16; };
template <> struct dtype_of<std::uint8_t> { static constexpr DType value = DType::u8; };
template <> struct dtype_of<float8_e4m3fn> { static constexpr DType value = DType::f8_e4m3fn; };
template <> struct dtype_of<float8_e5m2> { static constexpr DType value = DType::f8_e5m2; };
template <> struct dtype_of<float8_e4m3fnuz> { static constexpr DType value = DType::f8_e4m3fnuz; };
template <> struct dtype_of<float8_e5m2fnuz> { static constexpr DType value = DType::f8_e5m2fnuz; };
template <> struct dtype_of<float8_e8m0> { static constexpr DType value = DType::f8_e8m0; };
template <> struct dtype_of<std::complex<float>> { static constexpr DType value = DType::complex64; };
template <> struct dtype_of<std::complex<double>> { static constexpr DType value = DType::complex128; };

// clang-format on

// A type that stands for a dtype; and memory that holds its elements: a vector, an array or a span.
template <class T>
concept Element = requires {
  dtype_of<T>::value;
};
template <class R>
concept Elements =
    std::ranges::contiguous_range<R> && std::ranges::sized_range<R> && Element<std::ranges::range_value_t<R>>;

inline float16::operator float() const noexcept {
  const std::uint32_t sign = (bits & 0x8000U) << 16;
  const std::uint32_t exponent = bits >> 10 & 0x1FU;
  const std::uint32_t fraction = bits & 0x3FFU;
  if (exponent == 0) {  // zero, or fraction * 2^-24
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | sign);
  }
  const std::uint32_t wide = exponent == 0x1FU ? 0xFFU : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

inline float16 float16::round(float value) noexcept {
  const auto pattern = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(pattern >> 16 & 0x8000U);
  const std::uint32_t magnitude = pattern & 0x7FFFFFFFU;
  std::uint32_t half = 0;
  if (magnitude > 0x7F800000U) {
    half = 0x7E00U;  // a quiet NaN
  } else if (magnitude >= 0x477FF000U) {
    half = 0x7C00U;  // from 65520 on, the nearest value is infinity
  } else if (magnitude < 0x38800000U) {
    // Below 2^-14 a float16 is a multiple of 2^-24, and so is a float between 0.5 and 1: the addition rounds.
    half = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) - 0x3F000000U;
  } else {
    half = (magnitude - 0x38000000U + 0xFFFU + (magnitude >> 13 & 1U)) >> 13;
  }
  return {static_cast<std::uint16_t>(sign | half)};
}

inline bfloat16::operator float() const noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

inline bfloat16 bfloat16::round(float value) noexcept {
  const auto pattern = std::bit_cast<std::uint32_t>(value);
  if ((pattern & 0x7FFFFFFFU) > 0x7F800000U) return {static_cast<std::uint16_t>(pattern >> 16 | 0x40U)};  // a quiet NaN
  return {static_cast<std::uint16_t>((pattern + 0x7FFFU + (pattern >> 16 & 1U)) >> 16)};
}

}  // namespace zt
