#pragma once

#include <cstdint>
#include <vector>

namespace zt::read {

// The positions that a slice takes of one axis, all of them inside it: `count` from `start`, `step` apart, or those of
// `list` where it is not empty.
struct AxisPicks {
  std::uint64_t start = 0;
  std::uint64_t count = 0;
  std::int64_t step = 1;
  std::vector<std::uint64_t> list = {};

  std::uint64_t size() const { return list.empty() ? count : list.size(); }
};

// One for each axis, outermost first.
using Picks = std::vector<AxisPicks>;

}  // namespace zt::read
