#include "source/elements.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "base/endian.h"

namespace zt::source {
namespace {

using Bytes = std::array<std::byte, 16>;

Bytes bytes_of(std::uint64_t low, std::uint64_t high = 0) {
  Bytes bytes = {};
  endian::store_le(bytes.data(), low);
  endian::store_le(bytes.data() + 8, high);
  return bytes;
}
Value value(DType dtype, std::uint64_t low, std::uint64_t high = 0) {
  return element_value(dtype, bytes_of(low, high).data());
}
std::optional<double> distance(DType dtype, std::uint64_t a, std::uint64_t b) {
  return element_distance(dtype, bytes_of(a).data(), bytes_of(b).data());
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Elements, AreTheNumbersThatTheirBitsStandFor) {
  EXPECT_EQ(value(DType::f64, 0x3ff8000000000000), Value(1.5));
  EXPECT_EQ(value(DType::f32, 0xbfc00000), Value(-1.5));
  EXPECT_EQ(value(DType::f16, 0x0001), Value(std::ldexp(1.0, -24)));
  EXPECT_EQ(value(DType::bf16, 0x7f80), Value(kInfinity));
  EXPECT_EQ(value(DType::f8_e5m2, 0xfc), Value(-kInfinity));
  EXPECT_EQ(value(DType::f8_e4m3fn, 0x7e), Value(448.0));
  EXPECT_EQ(value(DType::f8_e4m3fn, 0x01), Value(std::ldexp(1.0, -9)));
  EXPECT_EQ(value(DType::f8_e4m3fnuz, 0x7f), Value(240.0));
  EXPECT_EQ(value(DType::f8_e5m2fnuz, 0x7f), Value(57344.0));
  EXPECT_EQ(value(DType::f8_e8m0, 128), Value(2.0));
  EXPECT_EQ(value(DType::f4_e2m1, 0x17), Value(6.0));
  EXPECT_EQ(element_value(DType::f4_e2m1, bytes_of(0x97).data(), true), Value(-0.5));
  EXPECT_EQ(value(DType::i8, 0xff), Value(-1));
  EXPECT_EQ(value(DType::i64, 0x8000000000000000), Value(std::numeric_limits<std::int64_t>::min()));
  EXPECT_EQ(value(DType::u64, ~std::uint64_t{0}), Value(~std::uint64_t{0}));
  EXPECT_EQ(value(DType::boolean, 1), Value(true));
  EXPECT_EQ(value(DType::boolean, 2), Value(2));
  EXPECT_EQ(value(DType::complex64, 0xc000000040000000), Value(Value::Array{2.0, -2.0}));
  EXPECT_EQ(value(DType::complex128, 0, 0x3ff0000000000000), Value(Value::Array{0.0, 1.0}));
}

TEST(Elements, ShowTheBitsOfANan) {
  EXPECT_EQ(value(DType::f32, 0x7fc00001), Value("nan 0x7fc00001"));
  EXPECT_EQ(value(DType::bf16, 0xffc0), Value("nan 0xffc0"));
  for (const DType dtype : {DType::f8_e4m3fnuz, DType::f8_e5m2fnuz}) EXPECT_EQ(value(dtype, 0x80), Value("nan 0x80"));
  EXPECT_EQ(value(DType::f8_e4m3fn, 0xff), Value("nan 0xff"));
  EXPECT_EQ(value(DType::f8_e8m0, 0xff), Value("nan 0xff"));
}

TEST(Elements, AreSoFarApart) {
  EXPECT_EQ(distance(DType::f32, 0x3f800000, 0xbf800000), 2.0);
  EXPECT_EQ(distance(DType::f32, 0x00000000, 0x80000000), 0.0);
  EXPECT_EQ(distance(DType::f32, 0x7f800000, 0x3f800000), kInfinity);
  EXPECT_EQ(distance(DType::f32, 0x7fc00000, 0x3f800000), std::nullopt);
  EXPECT_EQ(distance(DType::i8, 0x80, 0x7f), 255.0);
  EXPECT_EQ(distance(DType::u8, 1, 255), 254.0);
  EXPECT_EQ(distance(DType::u64, 0, ~std::uint64_t{0}), 18446744073709551616.0);
  EXPECT_EQ(distance(DType::boolean, 0, 1), std::nullopt);
  EXPECT_EQ(distance(DType::complex64, 0x4040000000000000, 0x0000000040800000), 5.0);
}

}  // namespace
}  // namespace zt::source
