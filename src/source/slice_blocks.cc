#include "source/slice_blocks.h"

#include <algorithm>
#include <variant>

namespace zt::source {
namespace {

std::uint64_t size_of(const AxisSelection& axis, std::uint64_t whole) {
  if (const auto* range = std::get_if<RangeOfAxis>(&axis)) return range->count;
  if (const auto* list = std::get_if<ListOfAxis>(&axis)) return list->at.size();
  return std::holds_alternative<OneOfAxis>(axis) ? 1 : whole;
}

// `count` of the positions that `axis` selects, from number `first` on.
AxisSelection part_of(const AxisSelection& axis, std::uint64_t first, std::uint64_t count) {
  if (std::holds_alternative<OneOfAxis>(axis)) return axis;
  if (const auto* list = std::get_if<ListOfAxis>(&axis)) {
    const auto from = list->at.begin() + static_cast<std::ptrdiff_t>(first);
    return listed({from, from + static_cast<std::ptrdiff_t>(count)});
  }
  const auto* range = std::get_if<RangeOfAxis>(&axis);
  const RangeOfAxis whole = range != nullptr ? *range : RangeOfAxis{};
  // Wraps for a negative step, and comes out right: the position itself is inside the axis.
  return stepped(whole.start + first * static_cast<std::uint64_t>(whole.step), count, whole.step);
}

}  // namespace

SliceBlocks::SliceBlocks(std::span<const std::uint64_t> shape, const Selection& selection, std::size_t element_bytes,
                         std::uint64_t most_bytes)
    : selection_(selection), inner_bytes_(element_bytes) {
  selection_.resize(shape.size(), all());
  for (std::size_t i = 0; i < shape.size(); ++i) sizes_.push_back(size_of(selection_[i], shape[i]));
  if (std::ranges::find(sizes_, std::uint64_t{0}) != sizes_.end()) return;
  // From the innermost axis on, as long as whole axes fit.
  for (cut_ = sizes_.size(); cut_ > 0; --cut_) {
    const std::uint64_t size = sizes_[cut_ - 1];
    if (size > most_bytes / inner_bytes_) break;
    inner_bytes_ *= size;
  }
  count_ = 1;
  if (cut_ == 0) return;
  --cut_;
  together_ = most_bytes / inner_bytes_;
  cuts_ = sizes_[cut_] / together_ + (sizes_[cut_] % together_ != 0);
  count_ = static_cast<std::size_t>(cuts_);
  for (std::size_t i = 0; i < cut_; ++i) count_ *= static_cast<std::size_t>(sizes_[i]);
}

SliceBlock SliceBlocks::block(std::size_t number) const {
  SliceBlock block{.selection = selection_, .offset = 0, .bytes = inner_bytes_};
  if (count_ == 1 && cuts_ == 1 && together_ == 1) return block;  // all of it
  const std::uint64_t first = number % cuts_ * together_;
  const std::uint64_t count = std::min(together_, sizes_[cut_] - first);
  std::uint64_t outer = number / cuts_;
  block.offset = (outer * sizes_[cut_] + first) * inner_bytes_;
  block.bytes = count * inner_bytes_;
  block.selection[cut_] = part_of(selection_[cut_], first, count);
  for (std::size_t i = cut_; i-- > 0;) {
    block.selection[i] = part_of(selection_[i], outer % sizes_[i], 1);
    outer /= sizes_[i];
  }
  return block;
}

}  // namespace zt::source
