#pragma once

#include <cstdint>
#include <vector>

namespace zt::read {

// The positions that a slice selects on one axis, all within the axis: `count` positions from `start` on, `step` apart;
// or those in `list` if it is not empty.
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
