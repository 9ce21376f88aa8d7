#include "read/part_plan.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace zt::read {
namespace {

TEST(PartPlan, CutsRawBytesIntoPiecesThatFollowOneAnother) {
  const PartPlan plan = PartPlan::of_raw({100, 2 * kPieceBytes + 5});
  ASSERT_EQ(plan.pieces(), 3U);
  EXPECT_EQ(plan.piece(0).stored, (Region{100, kPieceBytes}));
  EXPECT_EQ(plan.piece(0).decoded, (Region{0, kPieceBytes}));
  EXPECT_EQ(plan.piece(2).stored, (Region{100 + 2 * kPieceBytes, 5}));
  EXPECT_EQ(plan.piece(2).decoded, (Region{2 * kPieceBytes, 5}));
  EXPECT_TRUE(plan.frames_of(1).empty());
  EXPECT_EQ(PartPlan::of_raw({7, 0}).pieces(), 0U);
  EXPECT_EQ(PartPlan::of_raw({7, 10}, 4).piece(2).stored, (Region{15, 2}));
}

TEST(PartPlan, KnowsThePieceOfEachByte) {
  const PartPlan plan = PartPlan::of_raw({0, 10}, 4);
  const std::vector<std::size_t> expected = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2};
  for (std::size_t at = 0; at < expected.size(); ++at) EXPECT_EQ(plan.piece_at(at), expected[at]) << at;
}

// Frames of 3 decoded bytes, two for each piece, and a last frame that is larger than the others.
PartPlan framed() {
  auto frames = std::make_shared<FramePlan>();
  frames->frames = {{10, 3}, {11, 3}, {12, 3}, {13, 3}, {14, 8}};
  frames->starts = {0, 21, 46};
  frames->frames_end = 60;
  frames->frames_per_piece = 2;
  frames->piece_bytes = 6;
  return PartPlan::of_frames(1000, 20, frames);
}

TEST(PartPlan, GivesWholeFramesToEachPiece) {
  const PartPlan plan = framed();
  ASSERT_EQ(plan.pieces(), 3U);
  EXPECT_EQ(plan.piece(0).stored, (Region{1000, 21}));
  EXPECT_EQ(plan.piece(1).stored, (Region{1021, 25}));
  EXPECT_EQ(plan.piece(1).decoded, (Region{6, 6}));
  EXPECT_EQ(plan.piece(2).stored, (Region{1046, 14}));
  EXPECT_EQ(plan.piece(2).decoded, (Region{12, 8}));
  EXPECT_EQ(plan.frames_of(1).size(), 2U);
  EXPECT_EQ(plan.frames_of(1)[0], (codec::FrameSize{12, 3}));
  EXPECT_EQ(plan.frames_of(2).size(), 1U);
  EXPECT_EQ(plan.piece_at(19), 2U) << "a piece of the others' size would end before it";
}

}  // namespace
}  // namespace zt::read
