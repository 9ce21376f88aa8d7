#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/region.h"
#include "codec/zstd.h"
#include "read/frames.h"

namespace zt::read {

// A piece of a blob: its stored bytes in the file, and its decoded bytes in the blob.
struct Piece {
  Region stored;
  Region decoded;
};

// The pieces of a blob that can be read in any order. Pure: it reads nothing.
class PartPlan {
 public:
  PartPlan() = default;
  // Raw bytes, in pieces of `piece_bytes`.
  static PartPlan of_raw(Region stored, std::uint64_t piece_bytes = kPieceBytes);
  // Compressed bytes that begin at `offset` in the file, in pieces of whole frames.
  static PartPlan of_frames(std::uint64_t offset, std::uint64_t decoded_length,
                            std::shared_ptr<const FramePlan> frames);

  std::size_t pieces() const { return pieces_; }
  std::uint64_t piece_bytes() const { return piece_bytes_; }  // decoded; the last piece may differ
  Piece piece(std::size_t number) const;  // the last piece may be larger than the others, and any may be empty
  std::size_t piece_at(std::uint64_t decoded_offset) const;  // the number of the piece with this byte
  // The frames of a piece; empty for raw bytes.
  std::span<const codec::FrameSize> frames_of(std::size_t number) const;
  // The bytes after the last piece that are stored with the blob: its seek table.
  std::span<const std::byte> table() const;
  bool is_raw() const { return frames_ == nullptr; }

 private:
  std::uint64_t offset_ = 0;
  std::uint64_t decoded_length_ = 0;
  std::uint64_t piece_bytes_ = kPieceBytes;
  std::size_t pieces_ = 0;
  std::shared_ptr<const FramePlan> frames_;
};

}  // namespace zt::read
