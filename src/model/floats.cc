#include "model/floats.h"

#include <bit>
#include <limits>

namespace zt::model {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// What the highest bit patterns mean.
enum class Top {
  ieee,     // the highest exponent: infinities and NaNs
  one_nan,  // all ones below the sign: NaN; no infinities
  number,   // numbers, like all other patterns
  no_sign,  // numbers; the one NaN is where negative zero would be
};

struct Form {
  int exponent_bits;
  int fraction_bits;
  int bias;
  Top top;
};

// 2^exponent, which must not be subnormal.
double power(int exponent) {
  constexpr int kBias = 1023, kFraction = 52;
  return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + kBias) << kFraction);
}

double decode(std::uint64_t bits, Form form) {
  const std::uint64_t fraction_mask = (std::uint64_t{1} << form.fraction_bits) - 1;
  const std::uint64_t exponent_mask = (std::uint64_t{1} << form.exponent_bits) - 1;
  const std::uint64_t fraction = bits & fraction_mask;
  const std::uint64_t exponent = bits >> form.fraction_bits & exponent_mask;
  const bool negative = (bits >> (form.exponent_bits + form.fraction_bits) & 1) != 0;
  if (form.top == Top::ieee && exponent == exponent_mask) {
    if (fraction != 0) return kNaN;
    return negative ? -kInfinity : kInfinity;
  }
  if (form.top == Top::one_nan && exponent == exponent_mask && fraction == fraction_mask) return kNaN;
  if (form.top == Top::no_sign && negative && exponent == 0 && fraction == 0) return kNaN;
  const std::uint64_t implied = exponent == 0 ? 0 : fraction_mask + 1;
  const int scale = (exponent == 0 ? 1 : static_cast<int>(exponent)) - form.bias - form.fraction_bits;
  const double magnitude = static_cast<double>(fraction | implied) * power(scale);
  return negative ? -magnitude : magnitude;
}

}  // namespace

double value_of(DType dtype, std::uint64_t bits) noexcept {
  switch (dtype) {
    case DType::f64: return std::bit_cast<double>(bits);
    case DType::f32: return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
    case DType::bf16: return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16));
    case DType::f16: return decode(bits, {5, 10, 15, Top::ieee});
    case DType::f8_e4m3fn: return decode(bits, {4, 3, 7, Top::one_nan});
    case DType::f8_e5m2: return decode(bits, {5, 2, 15, Top::ieee});
    case DType::f8_e4m3fnuz: return decode(bits, {4, 3, 8, Top::no_sign});
    case DType::f8_e5m2fnuz: return decode(bits, {5, 2, 16, Top::no_sign});
    case DType::f4_e2m1: return decode(bits, {2, 1, 1, Top::number});
    case DType::f8_e8m0: return bits == 0xFF ? kNaN : power(static_cast<int>(bits) - 127);
    case DType::i64: return static_cast<double>(static_cast<std::int64_t>(bits));
    case DType::i32: return static_cast<double>(static_cast<std::int32_t>(bits));
    case DType::i16: return static_cast<double>(static_cast<std::int16_t>(bits));
    case DType::i8: return static_cast<double>(static_cast<std::int8_t>(bits));
    case DType::u64:
    case DType::u32:
    case DType::u16:
    case DType::u8:
    case DType::boolean: return static_cast<double>(bits);
    case DType::complex64:
    case DType::complex128: break;
  }
  return kNaN;
}

}  // namespace zt::model
