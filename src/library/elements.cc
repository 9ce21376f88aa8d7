#include "library/elements.h"

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include "base/endian.h"
#include "library/indices.h"
#include "wire/float_bits.h"

namespace zt::library {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

enum class Special : std::uint8_t { none, all_ones_nan, negative_zero_nan };

// A float of at most 8 bits without infinities.
double decode_small(unsigned bits, int exponent_bits, int fraction_bits, int bias, Special special) {
  const unsigned magnitude = bits & ((1U << (exponent_bits + fraction_bits)) - 1);
  const unsigned sign = bits >> (exponent_bits + fraction_bits);
  if (special == Special::all_ones_nan && magnitude == (1U << (exponent_bits + fraction_bits)) - 1) return kNan;
  if (special == Special::negative_zero_nan && sign == 1 && magnitude == 0) return kNan;
  const auto exponent = static_cast<int>(magnitude >> fraction_bits);
  const unsigned fraction = magnitude & ((1U << fraction_bits) - 1);
  const unsigned whole = exponent == 0 ? fraction : fraction | 1U << fraction_bits;
  const double value = std::ldexp(static_cast<double>(whole), (exponent == 0 ? 1 : exponent) - bias - fraction_bits);
  return sign != 0 ? -value : value;
}

std::uint64_t bits_of(DType dtype, const std::byte* at, bool high) {
  if (dtype != DType::f4_e2m1) return load_index(at, dtype_bits(dtype) / 8);
  return std::to_integer<unsigned>(*at) >> (high ? 4 : 0) & 15U;
}

double wide(std::uint64_t bits, wire::Width width) { return std::bit_cast<double>(wire::widen(bits, width)); }

// The value of a float of at most 64 bits; nothing for other dtypes.
std::optional<double> floating(DType dtype, std::uint64_t bits) {
  const auto low = static_cast<unsigned>(bits & 0xFF);
  switch (dtype) {
    case DType::f64: return std::bit_cast<double>(bits);
    case DType::f32: return wide(bits, wire::kSingle);
    case DType::f16: return wide(bits, wire::kHalf);
    case DType::bf16: return wide(bits, {8, 7});
    case DType::f8_e5m2: return wide(bits, {5, 2});
    case DType::f8_e4m3fn: return decode_small(low, 4, 3, 7, Special::all_ones_nan);
    case DType::f8_e4m3fnuz: return decode_small(low, 4, 3, 8, Special::negative_zero_nan);
    case DType::f8_e5m2fnuz: return decode_small(low, 5, 2, 16, Special::negative_zero_nan);
    case DType::f8_e8m0: return low == 0xFF ? kNan : std::ldexp(1.0, static_cast<int>(low) - 127);
    case DType::f4_e2m1: return decode_small(low, 2, 1, 1, Special::none);
    default: return std::nullopt;
  }
}

std::string hex(std::uint64_t bits, unsigned digits) {
  std::string text = "0x";
  while (digits > 0) text += "0123456789abcdef"[bits >> (4 * --digits) & 15];
  return text;
}

std::int64_t extended(std::uint64_t bits, unsigned width) {
  const std::uint64_t sign = std::uint64_t{1} << (width - 1);
  return static_cast<std::int64_t>((bits ^ sign) - sign);
}

// The dtype of each half of a complex one.
std::optional<DType> half_of(DType dtype) {
  if (dtype == DType::complex64) return DType::f32;
  if (dtype == DType::complex128) return DType::f64;
  return std::nullopt;
}

}  // namespace

Value element_value(DType dtype, const std::byte* at, bool high) {
  if (const auto half = half_of(dtype)) {
    return Value(Value::Array{element_value(*half, at), element_value(*half, at + dtype_bits(*half) / 8)});
  }
  const std::uint64_t bits = bits_of(dtype, at, high);
  const unsigned width = dtype_bits(dtype);
  if (const auto number = floating(dtype, bits)) {
    return std::isnan(*number) ? Value("nan " + hex(bits, width / 4)) : Value(*number);
  }
  // A byte that is no bool is shown as it is.
  if (dtype == DType::boolean && bits <= 1) return Value(bits == 1);
  return is_signed(dtype) ? Value(extended(bits, width)) : Value(bits);
}

std::optional<double> element_distance(DType dtype, const std::byte* a, const std::byte* b, bool high) {
  if (const auto half = half_of(dtype)) {
    const std::size_t bytes = dtype_bits(*half) / 8;
    const auto real = element_distance(*half, a, b);
    const auto imaginary = element_distance(*half, a + bytes, b + bytes);
    if (!real || !imaginary) return std::nullopt;
    return std::hypot(*real, *imaginary);
  }
  if (dtype == DType::boolean) return std::nullopt;
  const std::uint64_t left = bits_of(dtype, a, high);
  const std::uint64_t right = bits_of(dtype, b, high);
  if (const auto number = floating(dtype, left)) {
    if (left == right) return 0.0;  // infinities have no difference
    const double distance = std::fabs(*number - *floating(dtype, right));
    return std::isnan(distance) ? std::nullopt : std::optional(distance);
  }
  const unsigned width = dtype_bits(dtype);
  const bool swap = is_signed(dtype) ? extended(left, width) < extended(right, width) : left < right;
  const std::uint64_t mask = width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
  return static_cast<double>((swap ? right - left : left - right) & mask);
}

}  // namespace zt::library
