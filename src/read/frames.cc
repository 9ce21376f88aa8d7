#include "read/frames.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/count_text.h"
#include "codec/codecs.h"
#include "ztensor/error.h"

namespace zt::read {
namespace {

constexpr std::uint64_t kLeastTable = 17;

struct Sums {
  std::uint64_t stored = 0;
  std::uint64_t decoded = 0;
};

// For fewer than 2^32 sums of 32-bit numbers, which do not overflow.
Sums sums_of(const std::vector<codec::FrameSize>& frames) {
  Sums sums;
  for (const codec::FrameSize& frame : frames) {
    sums.stored += frame.stored;
    sums.decoded += frame.decoded;
  }
  return sums;
}

std::vector<std::byte> read_tail(const ByteStore& store, const model::Recipe& recipe, std::uint64_t length) {
  std::vector<std::byte> tail(static_cast<std::size_t>(length));  // at most the stored bytes
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
  // If all frames except the last decode to nothing, they form one piece.
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
  // An empty last frame, or one larger than the first, would not fit the pieces, which are computed from the length.
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
                "the zstd seek table claims " + count_text(length, "byte") + ", but the blob has " +
                    std::to_string(recipe.stored_length));
  }
  std::vector<std::byte> table = read_tail(store, recipe, length);
  std::vector<codec::FrameSize> frames = codec::require_frames(table);
  const std::uint64_t frames_end = recipe.stored_length - length;
  const Sums sums = sums_of(frames);
  if (sums.stored != frames_end) {
    throw Error(Code::malformed, "zstd.table.stored",
                "the frames in the zstd seek table have " + count_text(sums.stored, "byte") +
                    ", but the bytes before it are " + std::to_string(frames_end));
  }
  if (sums.decoded != recipe.decoded_length) {
    throw Error(Code::malformed, "zstd.table.decoded",
                "the frames in the zstd seek table decode to " + count_text(sums.decoded, "byte") +
                    ", but the blob to " + std::to_string(recipe.decoded_length));
  }
  return plan_pieces(std::move(frames), std::move(table), frames_end);
}

}  // namespace zt::read
