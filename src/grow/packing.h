#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/region.h"
#include "model/catalog.h"
#include "model/encoder.h"

namespace zt::grow {

// A stretch of stored bytes: where it is, and where it goes.
struct Move {
  Region from;
  std::uint64_t to = 0;
  std::uint64_t uses = 0;  // how many parts it is
};

// Where the parts of a file and its manifest go when it is written anew without what no tensor uses: in the order they
// lie in, at the alignment that they have in common.
class Packing {
 public:
  // `parts`: those that lie in the file, in any order; the same one may be there more than once. Throws limit where
  // they overlap so much that apart they fit into no file.
  Packing(std::vector<Region> parts, const model::Encoder& encoder, Region manifest);

  std::uint64_t alignment() const { return alignment_; }
  std::span<const Move> moves() const { return moves_; }
  std::uint64_t place_of(Region part) const;  // of one of the parts
  std::uint64_t manifest_alignment() const { return manifest_alignment_; }
  std::uint64_t manifest_offset() const { return manifest_offset_; }
  // Of the file, with a manifest of that length.
  std::uint64_t size(std::uint64_t manifest_length) const { return manifest_offset_ + manifest_length + footer_; }

 private:
  std::uint64_t alignment_;
  std::vector<Move> moves_;  // by `from`
  std::uint64_t manifest_alignment_;
  std::uint64_t manifest_offset_;
  std::uint64_t footer_;
};

}  // namespace zt::grow
