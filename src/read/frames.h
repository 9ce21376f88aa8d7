#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "codec/zstd.h"
#include "model/recipe.h"
#include "ztensor/byte_store.h"

namespace zt::read {

inline constexpr std::size_t kPieceBytes = codec::kFrameBytes;

// The frames of a zstd blob, and its pieces: whole frames, together about kPieceBytes.
struct FramePlan {
  std::vector<codec::FrameSize> frames;
  std::vector<std::uint64_t> starts;  // the stored offset in the blob of each piece's first frame
  std::uint64_t frames_end = 0;       // where the table begins
  std::size_t frames_per_piece = 1;
  std::uint64_t piece_bytes = 0;  // decoded; the last piece may differ
  std::vector<std::byte> table;
};

// Uses the seek table if it agrees with the recipe and allows pieces of one size; else gives nothing. Throws io.
std::optional<FramePlan> find_frames(const ByteStore& store, const model::Recipe& recipe);
// Requires a seek table as zt.zstd-seekable/1 does (spec/zt-2.md): throws malformed "zstd.table.*". The last frame, and
// so the last piece, may be larger than the others. A frame may decode to nothing.
FramePlan require_frames(const ByteStore& store, const model::Recipe& recipe);

}  // namespace zt::read
