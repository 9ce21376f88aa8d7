#pragma once

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "ztensor/writer.h"

#include "random.h"

namespace zt::test {

// An array of any strides and byte order, and the bytes that a file must store for it.
struct RandomArray {
  std::vector<std::byte> memory;
  ArrayView view;
  std::vector<std::byte> expected;  // row-major, little-endian
};

// Reverses the bytes of one element: as a whole, or in halves for complex numbers.
inline void turn_around(DType dtype, std::byte* element, std::size_t bytes) {
  const bool complex = dtype == DType::complex64 || dtype == DType::complex128;
  const std::size_t word = complex ? bytes / 2 : bytes;
  for (std::size_t at = 0; at < bytes; at += word) std::reverse(element + at, element + at + word);
}

// The elements of the view, one by one.
inline std::vector<std::byte> reference_bytes(const ArrayView& view) {
  const std::size_t bytes = dtype_bits(view.dtype) / 8;
  std::uint64_t elements = 1;
  for (const std::uint64_t size : view.shape) elements *= size;
  std::vector<std::byte> out(elements * bytes);
  for (std::uint64_t i = 0; i < elements; ++i) {
    const std::byte* from = view.data;
    std::uint64_t rest = i;
    for (std::size_t axis = view.shape.size(); axis-- > 0;) {
      from += static_cast<std::int64_t>(rest % view.shape[axis]) * view.strides[axis];
      rest /= view.shape[axis];
    }
    std::memcpy(out.data() + i * bytes, from, bytes);
    if (view.byte_swapped) turn_around(view.dtype, out.data() + i * bytes, bytes);
  }
  return out;
}

inline RandomArray packed_array(Random& random, DType dtype, Shape shape, bool soft) {
  std::uint64_t elements = 1;
  for (const std::uint64_t size : shape) elements *= size;
  const std::uint64_t length = byte_length(dtype, elements).value();
  RandomArray array;
  array.memory = soft ? random.soft_bytes(length) : random.bytes(length);
  if (dtype == DType::f4_e2m1 && elements % 2 == 1) array.memory.back() &= std::byte{0x0F};
  if (dtype == DType::boolean) {
    for (std::byte& byte : array.memory) byte &= std::byte{1};
  }
  array.expected = array.memory;
  array.view = {.dtype = dtype, .shape = std::move(shape), .data = array.memory.data()};
  return array;
}

// The axes have any order in memory, with gaps, backwards, or all on one element. The first element is at any address.
inline RandomArray random_array(Random& random, DType dtype, const Shape& shape) {
  const bool soft = random.chance(50);
  if (dtype == DType::f4_e2m1 || random.chance(20)) return packed_array(random, dtype, shape, soft);
  const std::size_t bytes = dtype_bits(dtype) / 8;
  std::vector<std::size_t> order(shape.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  if (random.chance(40)) std::sort(order.begin(), order.end());

  RandomArray array;
  array.view = {.dtype = dtype, .shape = shape, .data = nullptr, .strides = std::vector<std::int64_t>(shape.size())};
  array.view.byte_swapped = random.chance(30);
  std::uint64_t extent = bytes;
  std::uint64_t start = random.below(4);
  for (std::size_t i = order.size(); i-- > 0;) {
    const std::size_t axis = order[i];
    if (random.chance(10)) continue;  // stride 0: broadcast
    const std::uint64_t stride = extent * (random.chance(75) ? 1 : random.between(2, 3));
    const std::uint64_t last = stride * (std::max<std::uint64_t>(1, shape[axis]) - 1);
    extent = last + extent;
    const bool backwards = random.chance(25);
    array.view.strides[axis] = backwards ? -static_cast<std::int64_t>(stride) : static_cast<std::int64_t>(stride);
    if (backwards) start += last;
  }
  array.memory = soft ? random.soft_bytes(extent + 4) : random.bytes(extent + 4);
  if (dtype == DType::boolean) {
    for (std::byte& byte : array.memory) byte &= std::byte{1};
  }
  array.view.data = array.memory.data() + start;
  array.expected = reference_bytes(array.view);
  return array;
}

}  // namespace zt::test
