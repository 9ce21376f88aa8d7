#include "read/runs.h"

#include <algorithm>
#include <numeric>

namespace zt::read {
namespace {

bool is_whole(const AxisPicks& axis, std::uint64_t size) {
  return axis.list.empty() && axis.start == 0 && axis.count == size && axis.step == 1;
}

std::uint64_t position(const AxisPicks& axis, std::uint64_t i) {
  if (!axis.list.empty()) return axis.list[i];
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(axis.start) + static_cast<std::int64_t>(i) * axis.step);
}

std::vector<std::uint64_t> order_of(const std::vector<std::uint64_t>& list) {
  if (std::ranges::is_sorted(list)) return {};
  std::vector<std::uint64_t> order(list.size());
  std::iota(order.begin(), order.end(), std::uint64_t{0});
  std::ranges::stable_sort(order, {}, [&](std::uint64_t i) { return list[i]; });
  return order;
}

}  // namespace

Runs::Runs(std::span<const std::uint64_t> shape, std::size_t element_bytes, const Picks& selection) {
  std::vector<std::uint64_t> strides(shape.size());
  std::uint64_t stride = element_bytes;
  for (std::size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  // Axes from `split` on form one run: axes that are taken whole, and one axis before them that is taken in steps of
  // one.
  std::size_t split = shape.size();
  while (split > 0 && is_whole(selection[split - 1], shape[split - 1])) --split;
  length_ = split < shape.size() ? strides[split] * shape[split] : element_bytes;
  if (split > 0 && selection[split - 1].list.empty() && selection[split - 1].step == 1) {
    --split;
    length_ = selection[split].count * strides[split];
    base_ = selection[split].start * strides[split];
  }
  axes_.resize(split);
  std::uint64_t place = length_;
  for (std::size_t i = split; i-- > 0;) {
    const AxisPicks& axis = selection[i];
    axes_[i] = {axis.size(), strides[i], place, &axis, order_of(axis.list)};
    place *= axis.size();
    left_ *= axis.size();
  }
}

// The current position on an axis.
std::uint64_t Runs::selected(const Axis& axis) {
  if (!axis.order.empty()) return axis.order[axis.at];
  return axis.selection->list.empty() && axis.selection->step < 0 ? axis.size - 1 - axis.at : axis.at;
}

bool Runs::next(std::size_t most, std::vector<Run>& runs) {
  runs.clear();
  for (; left_ > 0 && runs.size() < most; --left_) {
    Run run{base_, 0};
    for (const Axis& axis : axes_) {
      const std::uint64_t number = selected(axis);
      run.from += position(*axis.selection, number) * axis.stride;
      run.to += number * axis.place;
    }
    runs.push_back(run);
    for (std::size_t i = axes_.size(); i-- > 0;) {
      if (++axes_[i].at < axes_[i].size) break;
      axes_[i].at = 0;
    }
  }
  return !runs.empty();
}

}  // namespace zt::read
