#include "codec/split.h"

#include <gtest/gtest.h>

#include <cstring>
#include <initializer_list>
#include <random>
#include <vector>

namespace zt::codec {
namespace {

using Data = std::vector<std::byte>;

constexpr ElementForm kForms[] = {ElementForm::bytes1, ElementForm::bytes2, ElementForm::bytes4, ElementForm::bytes8,
                                  ElementForm::float2, ElementForm::float4, ElementForm::float8};

Data random_bytes(std::size_t size, std::uint32_t seed) {
  std::mt19937 random(seed);
  Data data(size);
  for (std::byte& byte : data) byte = static_cast<std::byte>(random() & 0xFF);
  return data;
}

Data bytes(std::initializer_list<unsigned> values) {
  Data data;
  for (const unsigned value : values) data.push_back(static_cast<std::byte>(value));
  return data;
}

Data planes_of(ElementForm form, const Data& elements) {
  Data planes(elements.size());
  split(form, elements, planes);
  return planes;
}

// spec/planes.md: 0x3F80 (1.0) is 0x7F00 rotated; 0xBF81 is 0x7F03.
TEST(Split, RotatesFloatsAndGivesTheLeastSignificantPlaneFirst) {
  EXPECT_EQ(planes_of(ElementForm::float2, bytes({0x80, 0x3F, 0x81, 0xBF})), bytes({0x00, 0x03, 0x7F, 0x7F}));
  EXPECT_EQ(planes_of(ElementForm::bytes2, bytes({0x80, 0x3F, 0x81, 0xBF})), bytes({0x80, 0x81, 0x3F, 0xBF}));
  EXPECT_EQ(planes_of(ElementForm::float4, bytes({1, 2, 3, 0x84})), bytes({0x03, 0x04, 0x06, 0x08}));
  EXPECT_EQ(planes_of(ElementForm::bytes8, bytes({1, 2, 3, 4, 5, 6, 7, 8})), bytes({1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(planes_of(ElementForm::bytes1, bytes({1, 2, 0x83})), bytes({1, 2, 0x83}));
}

TEST(Split, IsTheSameInBothWaysForAnyNumberOfElements) {
  for (const ElementForm form : kForms) {
    for (const std::size_t n : std::initializer_list<std::size_t>{0, 1, 2, 31, 32, 33, 63, 64, 65, 1023, 1024, 1025,
                                                                  1055, 1056, 3000, 5000}) {
      const Data elements = random_bytes(n * width_of(form) + 1, static_cast<std::uint32_t>(n));
      const std::span<const std::byte> at_odd_address = std::span(elements).subspan(1);
      Data fast(at_odd_address.size()), portable(at_odd_address.size()), back(at_odd_address.size());
      split(form, at_odd_address, fast);
      split_portable(form, at_odd_address, portable);
      ASSERT_EQ(fast, portable) << static_cast<int>(form) << " " << n;
      join(form, fast, back);
      ASSERT_TRUE(std::memcmp(back.data(), at_odd_address.data(), back.size()) == 0);
      std::ranges::fill(back, std::byte{0});
      join_portable(form, fast, back);
      ASSERT_TRUE(std::memcmp(back.data(), at_odd_address.data(), back.size()) == 0);
    }
  }
}

}  // namespace
}  // namespace zt::codec
