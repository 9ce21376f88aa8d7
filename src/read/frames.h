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

// The frames of a zstd blob, and the pieces that it is read in: whole frames, about kPieceBytes together.
struct FramePlan {
  std::vector<codec::FrameSize> frames;
  std::vector<std::uint64_t> starts;  // of the first frame of each piece, from the stored bytes' start
  std::uint64_t frames_end = 0;       // where the table begins
  std::size_t frames_per_piece = 1;
  std::uint64_t piece_bytes = 0;  // decoded, but for the last piece
  std::vector<std::byte> table;
};

// By the seek table, where there is one that agrees with the recipe, and pieces of one size can be made by it. Throws
// io.
std::optional<FramePlan> find_frames(const ByteStore& store, const model::Recipe& recipe);
// As zt.zstd-seekable/1 asks (spec/zt-2.md): throws malformed "zstd.table.*" where there is none. Its last frame, and
// so its last piece, may be larger than the others; a frame may decode to nothing.
FramePlan require_frames(const ByteStore& store, const model::Recipe& recipe);

}  // namespace zt::read
