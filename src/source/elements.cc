#include "source/elements.h"

#include <cmath>
#include <string>

#include "model/floats.h"
#include "model/integers.h"
#include "source/indices.h"

namespace zt::source {
namespace {

std::uint64_t bits_of(DType dtype, const std::byte* at, bool high) {
  if (dtype != DType::f4_e2m1) return load_index(at, dtype_bits(dtype) / 8);
  return std::to_integer<unsigned>(*at) >> (high ? 4 : 0) & 15U;
}

// The value of a float; empty for other dtypes.
std::optional<double> floating(DType dtype, std::uint64_t bits) {
  if (dtype == DType::boolean || model::integer_bytes(dtype) != 0) return std::nullopt;
  return model::value_of(dtype, bits);
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

// The dtype of each half of a complex dtype.
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
  // A byte that is not a bool is shown as a number.
  if (dtype == DType::boolean && bits <= 1) return Value(bits == 1);
  return model::is_signed(dtype) ? Value(extended(bits, width)) : Value(bits);
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
    if (left == right) return 0.0;  // equal infinities have distance 0
    const double distance = std::fabs(*number - *floating(dtype, right));
    return std::isnan(distance) ? std::nullopt : std::optional(distance);
  }
  const unsigned width = dtype_bits(dtype);
  const bool swap = model::is_signed(dtype) ? extended(left, width) < extended(right, width) : left < right;
  const std::uint64_t mask = width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
  return static_cast<double>((swap ? right - left : left - right) & mask);
}

}  // namespace zt::source
