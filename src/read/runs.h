#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "read/picks.h"

namespace zt::read {

// Adjacent bytes of a dense part that are copied together: their place, and their place in the result.
struct Run {
  std::uint64_t from;
  std::uint64_t to;
  friend bool operator==(const Run&, const Run&) = default;
};

// The runs of a selection of a dense, row-major part of `shape`, all of one length. Walks each axis by ascending place,
// whatever order was asked for. Pure. Borrows both arguments.
class Runs {
 public:
  // One selection for each axis, with positions inside the shape, none of them empty: the caller has checked.
  Runs(std::span<const std::uint64_t> shape, std::size_t element_bytes, const Picks& selection);

  std::uint64_t length() const { return length_; }  // bytes of each run
  std::uint64_t left() const { return left_; }      // the number of runs to come
  // Fills `runs` with the next runs, `most` of them at most. False if there are none left.
  bool next(std::size_t most, std::vector<Run>& runs);

 private:
  struct Axis {
    std::uint64_t size;
    std::uint64_t stride;  // bytes of the part from one position to the next
    std::uint64_t place;   // bytes of the result from one selected position to the next
    const AxisPicks* selection;
    std::vector<std::uint64_t> order;  // listed positions, sorted by place; empty for ranges
    std::uint64_t at = 0;
  };
  static std::uint64_t selected(const Axis& axis);

  std::vector<Axis> axes_;
  std::uint64_t base_ = 0;
  std::uint64_t length_;
  std::uint64_t left_ = 1;
};

}  // namespace zt::read
