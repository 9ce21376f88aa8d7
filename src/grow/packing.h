#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/region.h"
#include "model/catalog.h"
#include "model/encoder.h"

namespace zt::grow {

// A range of stored bytes: its place now, and its new place.
struct Move {
  Region from;
  std::uint64_t to = 0;
  std::uint64_t uses = 0;  // the number of parts with these bytes
};

// The places of parts and manifest in a file that is written anew without unused bytes: in the order that they have
// now, at their common alignment.
class Packing {
 public:
  // `parts`: the parts that lie in the file, in any order; a part may occur more than once. Throws limit if they
  // overlap so much that they do not fit into a file separately.
  Packing(std::vector<Region> parts, const model::Encoder& encoder, Region manifest);

  std::uint64_t alignment() const { return alignment_; }
  std::span<const Move> moves() const { return moves_; }
  std::uint64_t place_of(Region part) const;  // `part` is one of the parts
  std::uint64_t manifest_alignment() const { return manifest_alignment_; }
  std::uint64_t manifest_offset() const { return manifest_offset_; }
  // The size of the file with a manifest of this length.
  std::uint64_t size(std::uint64_t manifest_length) const { return manifest_offset_ + manifest_length + footer_; }

 private:
  std::uint64_t alignment_;
  std::vector<Move> moves_;  // sorted by `from`
  std::uint64_t manifest_alignment_;
  std::uint64_t manifest_offset_;
  std::uint64_t footer_;
};

}  // namespace zt::grow
