#include "codec/planes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include "base/endian.h"
#include "codec/blocks.h"
#include "codec/split.h"
#include "codec/zstd.h"
#include "ztensor/error.h"

namespace zt::codec {
namespace {

using Data = std::vector<std::byte>;

constexpr ElementForm kForms[] = {ElementForm::bytes1, ElementForm::bytes2, ElementForm::bytes4, ElementForm::bytes8,
                                  ElementForm::float2, ElementForm::float4, ElementForm::float8};

// Decodes with libzstd alone, then joins; must be what our decoder gives.
void expect_round_trip(ElementForm form, const Data& elements, const std::string& what) {
  PlanesEncoder encoder(form, 3);
  const Data stored = encoder.encode(elements);
  ASSERT_EQ(encoder.encode(elements), stored) << what << ": the bytes depend only on the input";
  ASSERT_LE(stored.size(), elements.size() + elements.size() / 256 + 64) << what;
  Data planes(elements.size()), joined(elements.size()), decoded(elements.size());
  FrameDecoder().decode(stored, planes);
  join_portable(form, planes, joined);
  ASSERT_TRUE(joined == elements) << what;
  PlanesDecoder(form).decode(stored, decoded);
  ASSERT_TRUE(decoded == elements) << what;
}

// Elements whose planes are of each kind: noise, few values, one value, long copies.
class Maker {
 public:
  explicit Maker(std::uint32_t seed) : random_(seed) {}

  Data make(ElementForm form, std::size_t n, const std::vector<int>& kinds) {
    const std::size_t width = width_of(form);
    Data planes(n * width), elements(n * width);
    for (std::size_t k = 0; k < width; ++k) fill(std::span(planes).subspan(k * n, n), kinds[k % kinds.size()]);
    join_portable(form, planes, elements);
    return elements;
  }

 private:
  void fill(std::span<std::byte> plane, int kind) {
    if (kind == 3) {  // rows that come again
      const std::size_t row = std::min<std::size_t>(plane.size(), 4096);
      fill(plane.first(row), 0);
      for (std::size_t i = row; i < plane.size(); ++i) plane[i] = plane[i - row];
      return;
    }
    const auto value = static_cast<std::byte>(random_() & 0xFF);
    for (std::byte& byte : plane) {
      if (kind == 0) byte = static_cast<std::byte>(random_() & 0xFF);
      if (kind == 1) byte = static_cast<std::byte>(120 + random_() % 8 + random_() % 4);
      if (kind == 2) byte = value;
      if (kind == 4) byte = static_cast<std::byte>(random_() % 16 == 0 ? random_() & 0xFF : 0);  // mostly zeros
    }
  }

  std::mt19937 random_;
};

TEST(Planes, AreWhatLibzstdDecodes) {
  Maker maker(1);
  for (const ElementForm form : kForms) {
    for (const std::size_t n : std::initializer_list<std::size_t>{0, 1, 2, 3, 63, 64, 100, 5000}) {
      for (int kind = 0; kind < 5; ++kind) {
        expect_round_trip(
            form, maker.make(form, n, {kind}),
            std::to_string(static_cast<int>(form)) + " " + std::to_string(n) + " " + std::to_string(kind));
      }
    }
  }
}

// Any kinds of planes in any order: blocks of one plane must not take the offsets and tables of another for theirs.
TEST(Planes, OfAllKindsFollowOneAnother) {
  Maker maker(2);
  std::mt19937 random(3);
  for (int round = 0; round < 60; ++round) {
    std::vector<int> kinds(8);
    for (int& kind : kinds) kind = static_cast<int>(random() % 5);
    const ElementForm form = kForms[random() % std::size(kForms)];
    const std::size_t most = kFrameBytes / width_of(form);
    const std::size_t n = round % 4 == 0 ? most : 1 + random() % most;
    expect_round_trip(form, maker.make(form, n, kinds), "seed 3, round " + std::to_string(round));
  }
}

// spec/planes.md §5
TEST(Planes, AreThoseOfTheSpecification) {
  const auto bytes = [](std::initializer_list<unsigned> values) {
    Data data;
    for (const unsigned value : values) data.push_back(static_cast<std::byte>(value));
    return data;
  };
  EXPECT_EQ(PlanesEncoder(ElementForm::float2, 3).encode(bytes({0x80, 0x3F, 0x80, 0xBF, 0x00, 0x3F, 0x49, 0x40})),
            bytes({0x28, 0xB5, 0x2F, 0xFD, 0xA4, 8,    0,    0,    0,    0x20, 0,    0,    0x00, 0x01,
                   0x00, 0x92, 0x21, 0,    0,    0x7F, 0x7F, 0x7E, 0x80, 0x29, 0xEA, 0xF4, 0x61}));
}

TEST(Planes, OfWeightsReachTheEntropyOfTheirExponents) {
  std::mt19937 random(4);
  std::normal_distribution<float> normal(0, 0.02F);
  Data elements(kFrameBytes);
  for (std::size_t i = 0; i < elements.size(); i += 2) {
    const auto bits = std::bit_cast<std::uint32_t>(normal(random));
    endian::store_le(elements.data() + i, static_cast<std::uint16_t>(bits >> 16));
  }
  expect_round_trip(ElementForm::float2, elements, "bfloat16");
  const auto size = static_cast<double>(PlanesEncoder(ElementForm::float2, 3).encode(elements).size());
  EXPECT_LT(size / static_cast<double>(elements.size()), 0.664);  // zstd at level 3: 0.78
}

// Copies far away, and at distances that are no multiple of anything.
TEST(Planes, OfCopiedRowsAreAsSmallAsByZstd) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0, 0.02F);
  for (const std::size_t row : std::initializer_list<std::size_t>{4096, 65536, 65537, 90001, 131072}) {
    Data elements(kFrameBytes);
    for (std::size_t i = 0; i < elements.size(); i += 2) {
      const auto bits = std::bit_cast<std::uint32_t>(normal(random));
      endian::store_le(elements.data() + i, static_cast<std::uint16_t>(bits >> 16));
    }
    for (std::size_t i = 2 * row; i < elements.size(); ++i) elements[i] = elements[i - 2 * row];
    expect_round_trip(ElementForm::float2, elements, "rows of " + std::to_string(row));
    const std::size_t planes = PlanesEncoder(ElementForm::float2, 3).encode(elements).size();
    EXPECT_LT(planes, FrameEncoder(3).encode(elements).size() * 21 / 20) << row;
  }
}

TEST(Planes, RefuseAFrameThatEndsInsideAnElement) {
  const Data stored = PlanesEncoder(ElementForm::bytes1, 3).encode(Data(6));
  Data out(6);
  try {
    PlanesDecoder(ElementForm::float4).decode(stored, out);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.rule(), "planes.width");
  }
}

TEST(Blocks, TellWhetherAFrameHasMatches) {
  Maker maker(5);
  FrameEncoder encoder(3);
  EXPECT_TRUE(has_matches(encoder.encode(maker.make(ElementForm::bytes1, 100000, {3}))));
  EXPECT_FALSE(has_matches(encoder.encode(maker.make(ElementForm::bytes1, 100000, {0}))));
}

}  // namespace
}  // namespace zt::codec
