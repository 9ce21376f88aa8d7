#include "grow/packing.h"

#include <gtest/gtest.h>

#include <vector>

#include "container/zt12/zt12.h"
#include "container/zt2/zt2.h"
#include "errors.h"

namespace zt::grow {
namespace {

const model::Encoder& kOld = container::zt12::kEncoder;
const model::Encoder& kNew = container::zt2::kEncoder;

TEST(Packing, PutsPartsBehindOneAnotherInTheirOrder) {
  const Packing packing({{640, 10}, {64, 100}, {640, 10}, {320, 1}}, kOld, {1024, 50});
  EXPECT_EQ(packing.alignment(), 64U);
  ASSERT_EQ(packing.moves().size(), 3U);
  EXPECT_EQ(packing.place_of({64, 100}), 64U);
  EXPECT_EQ(packing.place_of({320, 1}), 192U);
  EXPECT_EQ(packing.place_of({640, 10}), 256U);
  EXPECT_EQ(packing.moves()[2].uses, 2U);
  EXPECT_EQ(packing.manifest_offset(), 266U) << "directly after the last part";
  EXPECT_EQ(packing.size(50), 266U + 50 + 16);
}

TEST(Packing, KeepsAnAlignmentThatWasAskedFor) {
  EXPECT_EQ(Packing({{65536, 1}, {131072, 1}}, kOld, {140000, 50}).alignment(), 65536U);
  std::vector<Region> parts;
  for (std::uint64_t i = 1; i <= 8; ++i) parts.push_back({i << 21, 1});
  EXPECT_EQ(Packing(parts, kOld, {1, 50}).alignment(), std::uint64_t{2} << 20);
  parts.pop_back();
  EXPECT_EQ(Packing(parts, kOld, {1, 50}).alignment(), 65536U) << "so few parts may be aligned by accident";
}

TEST(Packing, AlignsAManifestAsPartsAreWhereItWas) {
  const std::vector<Region> parts = {{65536, 1}, {131072, 1}};
  EXPECT_EQ(Packing(parts, kNew, {196608, 50}).manifest_offset(), 196608U);
  EXPECT_EQ(Packing(parts, kNew, {135168, 50}).manifest_offset(), 135168U);
}

TEST(Packing, RefusesPartsThatFitIntoNoFile) {
  constexpr std::uint64_t kHuge = std::uint64_t{1} << 61;
  const std::vector<Region> parts = {{64, kHuge}, {128, kHuge}, {192, kHuge}};
  EXPECT_EQ(test::code_of([&] { Packing(parts, kOld, {1, 50}); }), Code::limit);
}

}  // namespace
}  // namespace zt::grow
