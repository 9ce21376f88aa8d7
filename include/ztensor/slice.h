#pragma once

#include <cstdint>
#include <vector>

namespace zt {

// What is taken along one axis: `count` elements from `start`, `step` apart (a negative step walks backwards), or the
// listed positions when `list` is not empty. Positions are resolved: 0 to size - 1.
struct AxisSelection {
  std::uint64_t start = 0;
  std::uint64_t count = 0;
  std::int64_t step = 1;
  std::vector<std::uint64_t> list = {};

  std::uint64_t size() const { return list.empty() ? count : list.size(); }
};

// One selection an axis, outermost first; missing trailing axes are taken whole.
using Selection = std::vector<AxisSelection>;

}  // namespace zt
