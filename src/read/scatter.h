#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/region.h"
#include "model/recipe.h"
#include "read/picks.h"

namespace zt::read {

// Copies the elements of a strided view, or the selected ones, to their row-major places. The bytes of the blob come in
// windows, in any order, so only one window of a blob must be in memory.
class Scatter {
 public:
  explicit Scatter(const model::View& view);
  // One selection for each axis of the view, with positions inside it: the caller has checked.
  Scatter(const model::View& view, const Picks& selection);

  // The bytes of the blob from the first element to the end of the last one. Empty if there are no elements.
  Region span() const;
  // Whether a window of the blob may hold bytes of elements. It may be true for a window without any.
  bool touches(Region window) const;
  // Copies the elements' bytes from the window that begins at `offset` of the blob. `out` holds all elements. Any
  // thread.
  void place(std::uint64_t offset, std::span<const std::byte> window, std::span<std::byte> out) const;

 private:
  // Positions along one axis, by ascending offset.
  struct Axis {
    std::uint64_t size = 0;
    std::uint64_t stride = 0;  // bytes of the blob from one position to the next
    std::int64_t step = 0;     // bytes of `out` from one position to the next
    struct Entry {
      std::uint64_t offset;
      std::int64_t place;
    };
    std::vector<Entry> list = {};  // replaces stride and step for listed positions
    std::uint64_t reach = 0;       // from the first byte of the inner axes to the end of the last one

    std::uint64_t offset(std::uint64_t i) const { return list.empty() ? i * stride : list[i].offset; }
    std::int64_t place(std::uint64_t i) const {
      return list.empty() ? static_cast<std::int64_t>(i) * step : list[i].place;
    }
    std::uint64_t extent() const { return offset(size - 1); }
  };
  struct Range {
    std::uint64_t first;
    std::uint64_t last;
  };
  struct Copy;

  void add_axis(std::uint64_t size, std::int64_t stride, std::int64_t step);
  void add_list(std::span<const std::uint64_t> positions, std::int64_t stride, std::int64_t step);
  void arrange();
  static Range range_in(const Axis& axis, std::uint64_t base, Region window);
  void copy_row(const Axis& axis, std::uint64_t base, std::int64_t to, const Copy& copy) const;
  void copy_run(std::uint64_t from, std::int64_t to, const Copy& copy) const;

  std::uint64_t start_;     // of the element that comes first in the blob
  std::int64_t place_ = 0;  // of this element in `out`
  std::uint64_t run_;       // bytes that lie together in both
  bool empty_ = false;
  std::vector<Axis> axes_;  // by falling stride
};

}  // namespace zt::read
