#include "read/scatter.h"

#include <algorithm>
#include <cstring>

namespace zt::read {
namespace {

template <std::size_t Size>
void copy_elements(const std::byte* from, std::uint64_t stride, std::uint64_t count, std::byte* to, std::int64_t step) {
  for (std::uint64_t i = 0; i < count; ++i, from += stride, to += step) std::memcpy(to, from, Size);
}

void copy_strided(const std::byte* from, std::uint64_t stride, std::uint64_t count, std::uint64_t size, std::byte* to,
                  std::int64_t step) {
  switch (size) {
    case 1: return copy_elements<1>(from, stride, count, to, step);
    case 2: return copy_elements<2>(from, stride, count, to, step);
    case 4: return copy_elements<4>(from, stride, count, to, step);
    case 8: return copy_elements<8>(from, stride, count, to, step);
    case 16: return copy_elements<16>(from, stride, count, to, step);
    default:
      for (std::uint64_t i = 0; i < count; ++i, from += stride, to += step) {
        std::memcpy(to, from, static_cast<std::size_t>(size));
      }
  }
}

}  // namespace

// A window, and the place for its bytes.
struct Scatter::Copy {
  Region window;
  const std::byte* bytes;
  std::byte* out;
};

Scatter::Scatter(const model::View& view) : start_(view.start), run_(view.element_bytes) {
  auto step = static_cast<std::int64_t>(view.element_bytes);
  for (std::size_t i = view.shape.size(); i-- > 0;) {
    add_axis(view.shape[i], view.strides[i], step);
    step *= static_cast<std::int64_t>(view.shape[i]);
  }
  arrange();
}

Scatter::Scatter(const model::View& view, const Picks& selection) : start_(view.start), run_(view.element_bytes) {
  auto step = static_cast<std::int64_t>(view.element_bytes);
  for (std::size_t i = view.shape.size(); i-- > 0;) {
    const AxisPicks& axis = selection[i];
    if (axis.list.empty()) {
      start_ += static_cast<std::uint64_t>(static_cast<std::int64_t>(axis.start) * view.strides[i]);
      add_axis(axis.count, view.strides[i] * axis.step, step);
    } else {
      add_list(axis.list, view.strides[i], step);
    }
    step *= static_cast<std::int64_t>(axis.size());
  }
  arrange();
}

// A negative stride begins at the other end of its axis. Unsigned sums may overflow, and overflow back.
void Scatter::add_axis(std::uint64_t size, std::int64_t stride, std::int64_t step) {
  empty_ = empty_ || size == 0;
  if (size <= 1) return;
  if (stride < 0) {
    const auto last = static_cast<std::int64_t>(size - 1);
    start_ += static_cast<std::uint64_t>(last * stride);
    place_ += last * step;
    stride = -stride;
    step = -step;
  }
  axes_.push_back({.size = size, .stride = static_cast<std::uint64_t>(stride), .step = step});
}

void Scatter::add_list(std::span<const std::uint64_t> positions, std::int64_t stride, std::int64_t step) {
  const auto [least, most] = std::ranges::minmax(positions);
  const std::uint64_t first = stride < 0 ? most : least;  // the listed position that comes first in the blob
  start_ += static_cast<std::uint64_t>(static_cast<std::int64_t>(first) * stride);
  Axis axis{.size = positions.size()};
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const std::int64_t distance = (static_cast<std::int64_t>(positions[i]) - static_cast<std::int64_t>(first)) * stride;
    axis.list.push_back({static_cast<std::uint64_t>(distance), static_cast<std::int64_t>(i) * step});
  }
  std::ranges::sort(axis.list, {}, &Axis::Entry::offset);
  axis.stride = axis.extent() / axis.size;  // the average, to order the axes
  axes_.push_back(std::move(axis));
}

void Scatter::arrange() {
  std::ranges::stable_sort(axes_, std::ranges::greater(), &Axis::stride);
  while (!axes_.empty() && axes_.back().list.empty() && axes_.back().stride == run_ &&
         axes_.back().step == static_cast<std::int64_t>(run_)) {
    run_ *= axes_.back().size;
    axes_.pop_back();
  }
  std::uint64_t reach = run_;
  for (std::size_t i = axes_.size(); i-- > 0 && !empty_;) {
    axes_[i].reach = reach;
    reach += axes_[i].extent();
  }
}

Region Scatter::span() const {
  if (empty_) return {start_, 0};
  return {start_, axes_.empty() ? run_ : axes_.front().extent() + axes_.front().reach};
}

// The positions along an axis whose elements have bytes in the window. `base`: the offset of the first element.
Scatter::Range Scatter::range_in(const Axis& axis, std::uint64_t base, Region window) {
  const std::uint64_t end = window.offset + window.length;
  if (!axis.list.empty()) {
    const auto first = std::ranges::partition_point(
        axis.list, [&](const Axis::Entry& entry) { return base + entry.offset + axis.reach <= window.offset; });
    const auto last = std::partition_point(first, axis.list.end(),
                                           [&](const Axis::Entry& entry) { return base + entry.offset < end; });
    return {static_cast<std::uint64_t>(first - axis.list.begin()),
            static_cast<std::uint64_t>(last - axis.list.begin())};
  }
  if (base >= end) return {0, 0};
  if (axis.stride == 0) return {0, base + axis.reach > window.offset ? axis.size : 0};
  const std::uint64_t first_end = base + axis.reach;
  const std::uint64_t first = first_end > window.offset ? 0 : (window.offset - first_end) / axis.stride + 1;
  const std::uint64_t last = std::min(axis.size, (end - 1 - base) / axis.stride + 1);
  return {std::min(first, last), last};
}

bool Scatter::touches(Region window) const {
  const Region all = span();
  if (all.length == 0 || window.offset >= all.offset + all.length || window.offset + window.length <= all.offset) {
    return false;
  }
  std::uint64_t base = start_;
  for (const Axis& axis : axes_) {
    const Range range = range_in(axis, base, window);
    if (range.first == range.last) return false;
    if (range.last - range.first > 1) return true;
    base += axis.offset(range.first);
  }
  return base < window.offset + window.length && base + run_ > window.offset;
}

// Copies the bytes of one run that lie in the window.
void Scatter::copy_run(std::uint64_t from, std::int64_t to, const Copy& copy) const {
  const std::uint64_t first = std::max(from, copy.window.offset);
  const std::uint64_t last = std::min(from + run_, copy.window.offset + copy.window.length);
  if (first >= last) return;
  std::memcpy(copy.out + to + static_cast<std::int64_t>(first - from), copy.bytes + (first - copy.window.offset),
              static_cast<std::size_t>(last - first));
}

// Copies the runs of the innermost axis. At the ends of a window a run may lie only partly in it.
void Scatter::copy_row(const Axis& axis, std::uint64_t base, std::int64_t to, const Copy& copy) const {
  auto [first, last] = range_in(axis, base, copy.window);
  const std::uint64_t end = copy.window.offset + copy.window.length;
  const auto is_whole = [&](std::uint64_t i) {
    const std::uint64_t from = base + axis.offset(i);
    return from >= copy.window.offset && from + run_ <= end;
  };
  for (; first < last && !is_whole(first); ++first) copy_run(base + axis.offset(first), to + axis.place(first), copy);
  for (; first < last && !is_whole(last - 1); --last) {
    copy_run(base + axis.offset(last - 1), to + axis.place(last - 1), copy);
  }
  if (first == last) return;
  if (!axis.list.empty()) {
    for (; first < last; ++first) copy_run(base + axis.offset(first), to + axis.place(first), copy);
    return;
  }
  copy_strided(copy.bytes + (base + axis.offset(first) - copy.window.offset), axis.stride, last - first, run_,
               copy.out + to + axis.place(first), axis.step);
}

void Scatter::place(std::uint64_t offset, std::span<const std::byte> window, std::span<std::byte> out) const {
  const Copy copy{{offset, window.size()}, window.data(), out.data()};
  if (empty_ || window.empty()) return;
  if (axes_.empty()) return copy_run(start_, place_, copy);
  // The state of an outer axis: a position, the end of its range, and the offsets before it.
  struct Level {
    Range range;
    std::uint64_t base;
    std::int64_t to;
  };
  std::vector<Level> levels = {{range_in(axes_[0], start_, copy.window), start_, place_}};
  while (!levels.empty()) {
    Level& level = levels.back();
    const Axis& axis = axes_[levels.size() - 1];
    if (levels.size() == axes_.size()) {
      copy_row(axis, level.base, level.to, copy);
      levels.pop_back();
    } else if (level.range.first == level.range.last) {
      levels.pop_back();
    } else {
      const std::uint64_t i = level.range.first++;
      const std::uint64_t base = level.base + axis.offset(i);
      const std::int64_t to = level.to + axis.place(i);
      levels.push_back({range_in(axes_[levels.size()], base, copy.window), base, to});
    }
  }
}

}  // namespace zt::read
