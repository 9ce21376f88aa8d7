#pragma once

#include <cstdint>
#include <vector>

namespace zt {

// What is taken along one axis: `count` elements from `start`, `step` apart (a negative step walks backwards), or the
// listed positions when `list` is not empty. Positions are from 0 to size - 1. A count of kWholeAxis from 0 is the whole
// axis. rows(), at() and all() make the common ones.
struct AxisSelection {
  std::uint64_t start = 0;
  std::uint64_t count = 0;
  std::int64_t step = 1;
  std::vector<std::uint64_t> list = {};

  std::uint64_t size() const { return list.empty() ? count : list.size(); }
};

inline AxisSelection rows(std::uint64_t first, std::uint64_t last) {  // [first, last); none where last <= first
  return {.start = first, .count = last > first ? last - first : 0, .step = 1, .list = {}};
}
inline AxisSelection at(std::uint64_t index) { return rows(index, index + 1); }  // one; the axis stays, of size 1
inline constexpr std::uint64_t kWholeAxis = ~std::uint64_t{0};
inline AxisSelection all() { return {.start = 0, .count = kWholeAxis, .step = 1, .list = {}}; }

// One selection an axis, outermost first; missing trailing axes are taken whole.
using Selection = std::vector<AxisSelection>;

}  // namespace zt
