#pragma once

#include <complex>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ztensor/macros.h"

namespace zt {

// clang-format off
// How one element is stored: a storage type or a logical type over one (spec/zt-1.2.md §5).
enum class DType : std::uint8_t {
  f64, f32, f16, bf16, i64, i32, i16, i8, u64, u32, u16, u8, boolean,
  f8_e4m3fn, f8_e5m2, f8_e4m3fnuz, f8_e5m2fnuz, f8_e8m0, f4_e2m1, complex64, complex128,
};
inline constexpr std::uint8_t kDTypeCount = 21;
// clang-format on

// The name users see: "float32", "bfloat16", "bool", "float8_e4m3fn", "float4_e2m1fn", ...
ZT_API std::string_view dtype_name(DType dtype) noexcept;
ZT_API std::optional<DType> find_dtype(std::string_view name) noexcept;

// Bits of one element: 4 for f4_e2m1, else a multiple of 8.
ZT_API unsigned dtype_bits(DType dtype) noexcept;

// Bytes of `elements` elements; float4 elements lie two in a byte, the first in the low half, an odd last high half
// is zero. Empty on overflow.
ZT_API std::optional<std::uint64_t> byte_length(DType dtype, std::uint64_t elements) noexcept;

// clang-format off
// Plain storage of the types C++ lacks; no arithmetic.
struct float16 { std::uint16_t bits; friend bool operator==(float16, float16) = default; };
struct bfloat16 { std::uint16_t bits; friend bool operator==(bfloat16, bfloat16) = default; };
struct float8_e4m3fn { std::uint8_t bits; friend bool operator==(float8_e4m3fn, float8_e4m3fn) = default; };
struct float8_e5m2 { std::uint8_t bits; friend bool operator==(float8_e5m2, float8_e5m2) = default; };
struct float8_e4m3fnuz { std::uint8_t bits; friend bool operator==(float8_e4m3fnuz, float8_e4m3fnuz) = default; };
struct float8_e5m2fnuz { std::uint8_t bits; friend bool operator==(float8_e5m2fnuz, float8_e5m2fnuz) = default; };
struct float8_e8m0 { std::uint8_t bits; friend bool operator==(float8_e8m0, float8_e8m0) = default; };

// The dtype a C++ element type stands for. std::uint8_t is u8 and is accepted for boolean too.
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

}  // namespace zt
