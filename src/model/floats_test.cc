#include "model/floats.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <utility>

namespace zt::model {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Floats, AreThoseOfThePublishedTables) {
  struct Case {
    DType dtype;
    std::uint64_t bits;
    double value;
  };
  const Case cases[] = {
      {DType::f16, 0x3C00, 1},           {DType::f16, 0x7BFF, 65504},
      {DType::f16, 0x0001, 0x1p-24},     {DType::f16, 0xFC00, -kInfinity},
      {DType::bf16, 0x3FC0, 1.5},        {DType::bf16, 0x7F80, kInfinity},
      {DType::bf16, 0x0001, 0x1p-133},   {DType::f8_e4m3fn, 0x7E, 448},  // OCP 8-bit floats, table 2
      {DType::f8_e4m3fn, 0x08, 0x1p-6},  {DType::f8_e4m3fn, 0x01, 0x1p-9},
      {DType::f8_e5m2, 0x7B, 57344},     {DType::f8_e5m2, 0x04, 0x1p-14},
      {DType::f8_e5m2, 0x01, 0x1p-16},   {DType::f8_e5m2, 0xFC, -kInfinity},
      {DType::f8_e4m3fnuz, 0x7F, 240},   {DType::f8_e4m3fnuz, 0x01, 0x1p-10},
      {DType::f8_e5m2fnuz, 0x7F, 57344}, {DType::f8_e5m2fnuz, 0x01, 0x1p-17},
      {DType::f8_e8m0, 0, 0x1p-127},     {DType::f8_e8m0, 127, 1},
      {DType::f8_e8m0, 254, 0x1p127},    {DType::f4_e2m1, 0x1, 0.5},  // OCP microscaling, table 3
      {DType::f4_e2m1, 0x2, 1},          {DType::f4_e2m1, 0x7, 6},
      {DType::f4_e2m1, 0xF, -6},         {DType::f32, 0x80000001, -0x1p-149},
      {DType::f64, 1, 0x1p-1074},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(value_of(one.dtype, one.bits), one.value) << dtype_name(one.dtype) << ' ' << one.bits;
  }
}

TEST(Floats, HaveTheNaNsOfTheirFormats) {
  const std::pair<DType, std::uint64_t> cases[] = {
      {DType::f16, 0x7C01},       {DType::bf16, 0xFFFF},  {DType::f8_e4m3fn, 0x7F},
      {DType::f8_e4m3fn, 0xFF},   {DType::f8_e5m2, 0x7D}, {DType::f8_e4m3fnuz, 0x80},
      {DType::f8_e5m2fnuz, 0x80}, {DType::f8_e8m0, 0xFF}, {DType::f32, 0x7FC00000},
  };
  for (const auto& [dtype, bits] : cases) EXPECT_TRUE(std::isnan(value_of(dtype, bits))) << dtype_name(dtype);
  EXPECT_TRUE(std::signbit(value_of(DType::f8_e4m3fn, 0x80)));  // negative zero, for dtypes that have one
}

// FNV-1a over all codes as float32, word by word, with 7FC00000 for each NaN. The numbers come from ml_dtypes and
// NumPy.
TEST(Floats, HaveTheValuesOfMlDtypesAtEveryCode) {
  struct Case {
    DType dtype;
    unsigned bits;
    std::uint64_t sum;
  };
  const Case cases[] = {
      {DType::f16, 16, 0xA29FCD307F1D2325},        {DType::bf16, 16, 0xAE864F38855E2325},
      {DType::f8_e4m3fn, 8, 0x08993AF4628BB725},   {DType::f8_e5m2, 8, 0x00CEE2838E6BB725},
      {DType::f8_e4m3fnuz, 8, 0x4065565AF2ABB725}, {DType::f8_e5m2fnuz, 8, 0x39969815CEABB725},
      {DType::f8_e8m0, 8, 0x56F9E0582B6BB725},     {DType::f4_e2m1, 4, 0x00737516397F6465},
  };
  for (const Case& one : cases) {
    std::uint64_t sum = 0xCBF29CE484222325;
    for (std::uint32_t code = 0; code < std::uint32_t{1} << one.bits; ++code) {
      const double value = value_of(one.dtype, code);
      const auto single = static_cast<float>(value);
      EXPECT_TRUE(std::isnan(value) || static_cast<double>(single) == value);
      sum = (sum ^ (std::isnan(value) ? 0x7FC00000 : std::bit_cast<std::uint32_t>(single))) * 0x100000001B3;
    }
    EXPECT_EQ(sum, one.sum) << dtype_name(one.dtype);
  }
}

TEST(Floats, IntegersAreReadByTheirSign) {
  EXPECT_EQ(value_of(DType::i8, 0xFF), -1);
  EXPECT_EQ(value_of(DType::u8, 0xFF), 255);
  EXPECT_EQ(value_of(DType::i16, 0x8000), -32768);
  EXPECT_EQ(value_of(DType::u16, 0x8000), 32768);
  EXPECT_EQ(value_of(DType::i32, 0x80000000), -0x1p31);
  EXPECT_EQ(value_of(DType::u32, 0x80000000), 0x1p31);
  EXPECT_EQ(value_of(DType::i64, std::uint64_t{1} << 63), -0x1p63);
  EXPECT_EQ(value_of(DType::u64, std::uint64_t{1} << 63), 0x1p63);
}

// The law of rounding to the nearest: no other value of the type is nearer, and in a tie the even one is chosen.
template <class T>
void expect_nearest(float value, double largest) {
  const T found = T::round(value);
  const auto at = [](int pattern) {
    return static_cast<double>(static_cast<float>(T{static_cast<std::uint16_t>(pattern)}));
  };
  const int pattern = found.bits & 0x7FFF;
  const double wanted = std::fabs(static_cast<double>(value));
  if (std::isinf(static_cast<float>(found))) {
    EXPECT_GE(wanted, largest + (largest - at(pattern - 2)) / 2) << value;
    return;
  }
  const double error = std::fabs(at(pattern) - wanted);
  if (pattern > 0) {
    EXPECT_LE(error, std::fabs(at(pattern - 1) - wanted)) << value;
  }
  const double above = at(pattern) == largest ? largest + (largest - at(pattern - 1)) : at(pattern + 1);
  EXPECT_LE(error, std::fabs(above - wanted)) << value;
  const bool tie = error != 0 && ((pattern > 0 && error == std::fabs(at(pattern - 1) - wanted)) ||
                                  error == std::fabs(above - wanted));
  if (tie) {
    EXPECT_EQ(pattern & 1, 0) << value;
  }
  EXPECT_EQ(std::signbit(value), (found.bits & 0x8000) != 0) << value;
}

template <class T>
void expect_conversions(DType dtype, double largest) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const T one{static_cast<std::uint16_t>(bits)};
    const auto value = static_cast<float>(one);
    const double exact = value_of(dtype, bits);
    if (std::isnan(exact)) {
      EXPECT_TRUE(std::isnan(value) && std::isnan(static_cast<float>(T::round(value)))) << bits;
      continue;
    }
    EXPECT_EQ(static_cast<double>(value), exact) << bits;
    EXPECT_EQ(T::round(value), one) << bits;
    if (std::isinf(value)) continue;
    const auto next = static_cast<float>(T{static_cast<std::uint16_t>(bits + 1)});
    if (std::isfinite(next)) {
      expect_nearest<T>(value + (next - value) / 2, largest);  // a tie, exact in float
      expect_nearest<T>(std::nextafter(value + (next - value) / 2, value), largest);
      expect_nearest<T>(std::nextafter(value + (next - value) / 2, next), largest);
    }
  }
  for (const float value : {1e-45F, 1e-10F, 65519.0F, 65520.0F, 3e38F, -0.0F, std::numeric_limits<float>::max()}) {
    expect_nearest<T>(value, largest);
  }
}

TEST(Floats, Float16BecomesFloatAndBack) { expect_conversions<float16>(DType::f16, 65504.0); }
TEST(Floats, Bfloat16BecomesFloatAndBack) { expect_conversions<bfloat16>(DType::bf16, 0x1.FEp127); }

}  // namespace
}  // namespace zt::model
