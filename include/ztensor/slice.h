#pragma once

#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

namespace zt {

// What a slice takes along one axis is one of these four. The axis stays in the result, also where one position is
// taken. Positions count from 0 to the size of the axis less one; read_slice() throws usage for others.

// Every position, in order.
struct AllOfAxis {
  friend bool operator==(AllOfAxis, AllOfAxis) = default;
};

// One position.
struct OneOfAxis {
  std::uint64_t at = 0;
  friend bool operator==(OneOfAxis, OneOfAxis) = default;
};

// `count` positions: start, start + step, start + 2 * step, ... A negative step walks backwards; step 0 takes one
// position `count` times.
struct RangeOfAxis {
  std::uint64_t start = 0;
  std::uint64_t count = 0;
  std::int64_t step = 1;
  friend bool operator==(RangeOfAxis, RangeOfAxis) = default;
};

// The positions of a list, in its order; the list may repeat a position. An empty list takes nothing.
struct ListOfAxis {
  std::vector<std::uint64_t> at = {};
  friend bool operator==(const ListOfAxis&, const ListOfAxis&) = default;
};

using AxisSelection = std::variant<AllOfAxis, OneOfAxis, RangeOfAxis, ListOfAxis>;

// One selection for each axis, outermost first. Trailing axes that have none are taken whole.
using Selection = std::vector<AxisSelection>;

// Short names, for `tensor.read_slice<float>({zt::rows(2, 5), zt::all(), zt::at(0)})`.
[[nodiscard]] inline AxisSelection all() { return AllOfAxis{}; }
[[nodiscard]] inline AxisSelection at(std::uint64_t index) { return OneOfAxis{index}; }
// Positions first to last - 1. Takes nothing where last <= first.
[[nodiscard]] inline AxisSelection rows(std::uint64_t first, std::uint64_t last) {
  return RangeOfAxis{.start = first, .count = last > first ? last - first : 0, .step = 1};
}
[[nodiscard]] inline AxisSelection stepped(std::uint64_t start, std::uint64_t count, std::int64_t step) {
  return RangeOfAxis{.start = start, .count = count, .step = step};
}
[[nodiscard]] inline AxisSelection listed(std::vector<std::uint64_t> positions) {
  return ListOfAxis{std::move(positions)};
}

}  // namespace zt
