#include "grow/packing.h"

#include <algorithm>
#include <tuple>

#include "base/checked.h"
#include "ztensor/error.h"

namespace zt::grow {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 62;

bool less(const Region& a, const Region& b) { return std::tie(a.offset, a.length) < std::tie(b.offset, b.length); }

// The common alignment of the offsets, if it looks like one that a writer was asked for.
std::uint64_t alignment_of(std::span<const Move> moves, std::uint64_t least) {
  constexpr std::uint64_t kMost = std::uint64_t{2} << 20;
  std::uint64_t offsets = moves.size() >= 8 ? kMost : std::uint64_t{65536};
  for (const Move& move : moves) offsets |= move.from.offset;
  return std::max(least, offsets & (~offsets + 1));
}

}  // namespace

Packing::Packing(std::vector<Region> parts, const model::Encoder& encoder, Region manifest)
    : footer_(encoder.footer(0, {}).size()) {
  if (!std::ranges::is_sorted(parts, less))
    std::stable_sort(parts.begin(), parts.end(), less);  // mostly a few sorted runs
  moves_.reserve(parts.size());
  for (const Region& part : parts) {
    if (moves_.empty() || moves_.back().from != part) moves_.push_back({.from = part});
    ++moves_.back().uses;
  }
  alignment_ = alignment_of(moves_, encoder.alignment);
  std::uint64_t end = encoder.head().size();
  for (Move& move : moves_) {
    const auto at = checked::align_up(end, alignment_);
    const auto past = at ? checked::add(*at, move.from.length) : std::nullopt;
    if (!past || *past > kMostBytes) {
      throw Error(Code::limit, "", "the parts overlap so much that they do not fit into a file without sharing bytes");
    }
    move.to = *at;
    end = *past;
  }
  // A canonical manifest has the alignment of its parts.
  const bool as_parts = encoder.manifest_alignment > 1 && manifest.offset % alignment_ == 0;
  manifest_alignment_ = as_parts ? alignment_ : encoder.manifest_alignment;
  manifest_offset_ = checked::round_up(end, manifest_alignment_);
}

std::uint64_t Packing::place_of(Region part) const {
  return std::ranges::lower_bound(moves_, part, less, &Move::from)->to;
}

}  // namespace zt::grow
