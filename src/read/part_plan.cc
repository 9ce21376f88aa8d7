#include "read/part_plan.h"

#include <algorithm>

namespace zt::read {

PartPlan PartPlan::of_raw(Region stored, std::uint64_t piece_bytes) {
  PartPlan plan;
  plan.offset_ = stored.offset;
  plan.decoded_length_ = stored.length;
  plan.piece_bytes_ = piece_bytes;
  plan.pieces_ = static_cast<std::size_t>(stored.length / piece_bytes + (stored.length % piece_bytes != 0));
  return plan;
}

PartPlan PartPlan::of_frames(std::uint64_t offset, std::uint64_t decoded_length,
                             std::shared_ptr<const FramePlan> frames) {
  PartPlan plan;
  plan.offset_ = offset;
  plan.decoded_length_ = decoded_length;
  plan.piece_bytes_ = frames->piece_bytes;
  plan.pieces_ = frames->starts.size();
  plan.frames_ = std::move(frames);
  return plan;
}

Piece PartPlan::piece(std::size_t number) const {
  const std::uint64_t start = number * piece_bytes_;
  const Region decoded{start, number + 1 < pieces_ ? piece_bytes_ : decoded_length_ - start};
  if (is_raw()) return {.stored = {offset_ + start, decoded.length}, .decoded = decoded};
  const std::uint64_t first = frames_->starts[number];
  const std::uint64_t end = number + 1 < pieces_ ? frames_->starts[number + 1] : frames_->frames_end;
  return {.stored = {offset_ + first, end - first}, .decoded = decoded};
}

std::size_t PartPlan::piece_at(std::uint64_t decoded_offset) const {
  if (pieces_ <= 1) return 0;
  return static_cast<std::size_t>(std::min<std::uint64_t>(decoded_offset / piece_bytes_, pieces_ - 1));
}

std::span<const codec::FrameSize> PartPlan::frames_of(std::size_t number) const {
  if (is_raw()) return {};
  const std::size_t first = number * frames_->frames_per_piece;
  const std::size_t last = std::min(first + frames_->frames_per_piece, frames_->frames.size());
  return std::span(frames_->frames).subspan(first, last - first);
}

std::span<const std::byte> PartPlan::table() const {
  if (is_raw()) return {};
  return frames_->table;
}

}  // namespace zt::read
