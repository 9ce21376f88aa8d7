#include "read/gather.h"

#include <algorithm>
#include <cstring>

#include "base/endian.h"

namespace zt::read {
namespace {

template <class T>
void swap_all(std::span<std::byte> bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(T)) {
    T word;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    word = endian::swap(word);
    std::memcpy(bytes.data() + at, &word, sizeof word);
  }
}

template <std::size_t Size>
void copy_elements(const std::byte* from, std::int64_t stride, std::uint64_t count, std::byte* to) {
  for (std::uint64_t i = 0; i < count; ++i, from += stride, to += Size) std::memcpy(to, from, Size);
}

// Copies `count` elements, `stride` bytes apart, to one place.
void copy_strided(const std::byte* from, std::int64_t stride, std::uint64_t count, std::size_t size, std::byte* to) {
  switch (size) {
    case 1: return copy_elements<1>(from, stride, count, to);
    case 2: return copy_elements<2>(from, stride, count, to);
    case 4: return copy_elements<4>(from, stride, count, to);
    case 8: return copy_elements<8>(from, stride, count, to);
    case 16: return copy_elements<16>(from, stride, count, to);
    default:
      for (std::uint64_t i = 0; i < count; ++i, from += stride, to += size) std::memcpy(to, from, size);
  }
}

}  // namespace

void swap_words(std::span<std::byte> bytes, std::size_t width) {
  switch (width) {
    case 2: return swap_all<std::uint16_t>(bytes);
    case 4: return swap_all<std::uint32_t>(bytes);
    case 8: return swap_all<std::uint64_t>(bytes);
    default: return;
  }
}

void flip_signs(std::span<std::byte> bytes, model::Flip flip, std::size_t element_bytes) {
  constexpr std::byte kSign{0x80};
  const auto change = [&](std::size_t first) {
    for (std::size_t at = first; at < bytes.size(); at += element_bytes) bytes[at] ^= kSign;
  };
  if (flip == model::Flip::first || flip == model::Flip::both) change(element_bytes / 2 - 1);
  if (flip == model::Flip::last || flip == model::Flip::both) change(element_bytes - 1);
}

StridedView::StridedView(const std::byte* data, std::span<const std::uint64_t> shape,
                         std::span<const std::int64_t> strides, std::size_t element_bytes, std::size_t swap_width)
    : data_(data), element_bytes_(element_bytes), swap_width_(swap_width) {
  for (const std::uint64_t size : shape) elements_ *= size;
  if (elements_ == 0) return;
  for (std::size_t i = 0; i < shape.size(); ++i) add_axis(shape[i], strides[i]);
  if (!axes_.empty() && axes_.back().stride == static_cast<std::int64_t>(element_bytes)) {
    run_ = axes_.back().size;
    axes_.pop_back();
  }
}

void StridedView::add_axis(std::uint64_t size, std::int64_t stride) {
  if (size == 1) return;
  if (!axes_.empty() && axes_.back().stride == stride * static_cast<std::int64_t>(size)) {
    axes_.back() = {axes_.back().size * size, stride};
  } else {
    axes_.push_back({size, stride});
  }
}

void StridedView::gather(std::uint64_t offset, std::span<std::byte> out) const {
  if (out.empty()) return;
  std::uint64_t element = offset / element_bytes_;
  const std::uint64_t in_run = element % run_;
  // The start of the run with `element`, as an index for each axis.
  std::vector<std::uint64_t> index(axes_.size());
  std::uint64_t rest = element / run_;
  const std::byte* from = data_;
  for (std::size_t i = axes_.size(); i-- > 0;) {
    index[i] = rest % axes_[i].size;
    rest /= axes_[i].size;
    from += static_cast<std::int64_t>(index[i]) * axes_[i].stride;
  }
  std::byte* to = out.data();
  std::byte* const end = to + out.size();
  std::uint64_t skip = in_run;
  while (true) {
    // One loop copies the rest of a run, or single elements along the last axis.
    if (run_ > 1 || axes_.empty()) {
      const auto bytes = std::min<std::uint64_t>((run_ - skip) * element_bytes_, static_cast<std::uint64_t>(end - to));
      std::memcpy(to, from + skip * element_bytes_, bytes);
      to += bytes;
      skip = 0;
    } else {
      Axis const& last = axes_.back();
      const auto count =
          std::min<std::uint64_t>(last.size - index.back(), static_cast<std::uint64_t>(end - to) / element_bytes_);
      copy_strided(from, last.stride, count, element_bytes_, to);
      to += count * element_bytes_;
      from += static_cast<std::int64_t>(count - 1) * last.stride;
      index.back() += count - 1;
    }
    if (to == end) break;
    for (std::size_t i = axes_.size(); i-- > 0;) {
      from += axes_[i].stride;
      if (++index[i] < axes_[i].size) break;
      from -= static_cast<std::int64_t>(axes_[i].size) * axes_[i].stride;
      index[i] = 0;
    }
  }
  swap_words(out, swap_width_);
}

}  // namespace zt::read
