#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "read/picks.h"

namespace zt::read {

// Bytes of a dense part that lie together and are taken together: where they are, and where they go in the result.
struct Run {
  std::uint64_t from;
  std::uint64_t to;
  friend bool operator==(const Run&, const Run&) = default;
};

// The runs that a selection of a dense, row-major part of `shape` is made of, all of one length. Each axis is walked in
// the order of places, whatever order was asked for. Pure. Borrows both for its life.
class Runs {
 public:
  // One selection an axis, positions inside the shape, none of nothing: the caller has checked.
  Runs(std::span<const std::uint64_t> shape, std::size_t element_bytes, const Picks& selection);

  std::uint64_t length() const { return length_; }  // bytes of each
  std::uint64_t left() const { return left_; }      // how many are still to come
  // Puts the next runs, `most` of them at most, in place of what is in `runs`. False when there were none left.
  bool next(std::size_t most, std::vector<Run>& runs);

 private:
  struct Axis {
    std::uint64_t size;
    std::uint64_t stride;  // bytes of the part from one position to the next
    std::uint64_t place;   // bytes of the result from one selected position to the next
    const AxisPicks* selection;
    std::vector<std::uint64_t> order;  // of listed positions, by place; empty: forwards or backwards
    std::uint64_t at = 0;
  };
  static std::uint64_t selected(const Axis& axis);

  std::vector<Axis> axes_;
  std::uint64_t base_ = 0;
  std::uint64_t length_;
  std::uint64_t left_ = 1;
};

}  // namespace zt::read
