#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/recipe.h"

namespace zt::read {

// An array in memory, with any strides. Borrows the memory.
class StridedView {
 public:
  // `strides`: in bytes, one for each axis. `swap_width`: the width of big-endian words to swap, 0 for none.
  StridedView(const std::byte* data, std::span<const std::uint64_t> shape, std::span<const std::int64_t> strides,
              std::size_t element_bytes, std::size_t swap_width);

  // Whether the elements are row-major, without gaps and little-endian. Then no gathering is needed.
  bool is_contiguous() const { return axes_.empty() && swap_width_ == 0; }
  std::uint64_t bytes() const { return elements_ * element_bytes_; }
  const std::byte* data() const { return data_; }

  // Writes the row-major, little-endian bytes from `offset` on to `out`; both are whole numbers of elements. Any
  // thread.
  void gather(std::uint64_t offset, std::span<std::byte> out) const;

 private:
  struct Axis {
    std::uint64_t size;
    std::int64_t stride;
  };
  void add_axis(std::uint64_t size, std::int64_t stride);

  const std::byte* data_;
  std::size_t element_bytes_;
  std::size_t swap_width_;
  std::uint64_t elements_ = 1;
  std::vector<Axis> axes_;  // neighbours are merged; a last axis without gaps becomes part of run_
  std::uint64_t run_ = 1;   // elements that lie together
};

// Swaps the bytes of every word of `width` bytes.
void swap_words(std::span<std::byte> bytes, std::size_t width);
// Changes the signs of words of little-endian elements, each of `element_bytes` bytes.
void flip_signs(std::span<std::byte> bytes, model::Flip flip, std::size_t element_bytes);

}  // namespace zt::read
