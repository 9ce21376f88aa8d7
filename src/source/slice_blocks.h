#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ztensor/slice.h"

namespace zt::source {

// One block of a slice: what it selects, and where its elements are in the bytes of the slice.
struct SliceBlock {
  Selection selection;
  std::uint64_t offset;
  std::uint64_t bytes;
};

// Cuts a slice of a dense tensor into blocks of at most `most_bytes`, each of which lies together in the row-major bytes
// of the slice. The selection fits the shape, and an element fits a block: the caller has checked.
class SliceBlocks {
 public:
  SliceBlocks(std::span<const std::uint64_t> shape, const Selection& selection, std::size_t element_bytes,
              std::uint64_t most_bytes);

  std::size_t count() const { return count_; }
  SliceBlock block(std::size_t number) const;

 private:
  Selection selection_;               // one entry for each axis
  std::vector<std::uint64_t> sizes_;  // positions of each axis that are selected
  std::size_t cut_ = 0;               // the axis that is cut; axes before it have one position in a block
  std::uint64_t inner_bytes_ = 0;     // of one position on this axis
  std::uint64_t together_ = 1;        // positions on this axis in a block
  std::uint64_t cuts_ = 1;            // blocks along this axis
  std::size_t count_ = 0;
};

}  // namespace zt::source
