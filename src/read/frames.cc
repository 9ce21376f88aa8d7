#include "read/frames.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "codec/codecs.h"
#include "ztensor/error.h"

namespace zt::read {
namespace {

constexpr std::uint64_t kLeastTable = 17;

struct Sums {
  std::uint64_t stored = 0;
  std::uint64_t decoded = 0;
};

// Of 32-bit numbers, fewer than 2^32 of them.
Sums sums_of(const std::vector<codec::FrameSize>& frames) {
  Sums sums;
  for (const codec::FrameSize& frame : frames) {
    sums.stored += frame.stored;
    sums.decoded += frame.decoded;
  }
  return sums;
}

std::vector<std::byte> read_tail(const ByteStore& store, const model::Recipe& recipe, std::uint64_t length) {
  std::vector<std::byte> tail(static_cast<std::size_t>(length));  // of the stored bytes: held against them
  store.read_at(recipe.offset + recipe.stored_length - length, tail);
  return tail;
}

FramePlan plan_pieces(std::vector<codec::FrameSize> frames, std::vector<std::byte> table, std::uint64_t frames_end) {
  FramePlan plan;
  plan.frames_end = frames_end;
  plan.table = std::move(table);
  plan.frames = std::move(frames);
  if (plan.frames.empty()) return plan;
  const std::uint64_t each = plan.frames.front().decoded;
  // Where all but the last decode to nothing, they are one piece.
  plan.frames_per_piece = each == 0 ? plan.frames.size() : std::max<std::size_t>(1, kPieceBytes / each);
  plan.piece_bytes = plan.frames_per_piece * each;
  std::uint64_t start = 0;
  for (std::size_t i = 0; i < plan.frames.size(); ++i) {
    if (i % plan.frames_per_piece == 0) plan.starts.push_back(start);
    start += plan.frames[i].stored;
  }
  return plan;
}

}  // namespace

std::optional<FramePlan> find_frames(const ByteStore& store, const model::Recipe& recipe) {
  const bool may_have = codec::row_of(recipe.coding.codec).has_frames;
  if (!may_have || recipe.stored_length < codec::kTableFooterBytes) return std::nullopt;
  const auto length = codec::seek_table_length(read_tail(store, recipe, codec::kTableFooterBytes));
  if (!length || *length > recipe.stored_length) return std::nullopt;
  std::vector<std::byte> table = read_tail(store, recipe, *length);
  auto frames = codec::parse_seek_table(table);
  // A last frame of nothing, or of more than the first, would lie outside the pieces that are counted from the length.
  if (!frames || frames->empty() || frames->front().decoded == 0 || frames->back().decoded == 0 ||
      frames->back().decoded > frames->front().decoded) {
    return std::nullopt;
  }
  const std::uint64_t frames_end = recipe.stored_length - *length;
  const Sums sums = sums_of(*frames);
  if (sums.stored != frames_end || sums.decoded != recipe.decoded_length) return std::nullopt;
  return plan_pieces(std::move(*frames), std::move(table), frames_end);
}

FramePlan require_frames(const ByteStore& store, const model::Recipe& recipe) {
  if (recipe.stored_length < kLeastTable) {
    throw Error(Code::malformed, "zstd.table.short",
                "zstd seek table: expected at least 17 bytes, found " + std::to_string(recipe.stored_length));
  }
  const std::uint64_t length = codec::require_seek_table(read_tail(store, recipe, codec::kTableFooterBytes));
  if (length > recipe.stored_length) {
    throw Error(Code::malformed, "zstd.table.bounds",
                "zstd seek table: of " + std::to_string(length) + " bytes, in a blob of " +
                    std::to_string(recipe.stored_length));
  }
  std::vector<std::byte> table = read_tail(store, recipe, length);
  std::vector<codec::FrameSize> frames = codec::require_frames(table);
  const std::uint64_t frames_end = recipe.stored_length - length;
  const Sums sums = sums_of(frames);
  if (sums.stored != frames_end) {
    throw Error(Code::malformed, "zstd.table.stored",
                "zstd seek table: frames of " + std::to_string(sums.stored) + " bytes, before it lie " +
                    std::to_string(frames_end));
  }
  if (sums.decoded != recipe.decoded_length) {
    throw Error(Code::malformed, "zstd.table.decoded",
                "zstd seek table: frames decode to " + std::to_string(sums.decoded) + " bytes, the blob to " +
                    std::to_string(recipe.decoded_length));
  }
  return plan_pieces(std::move(frames), std::move(table), frames_end);
}

}  // namespace zt::read
