#pragma once

#include <cstdint>
#include <vector>

#include "base/region.h"
#include "foreign/pickle/records.h"
#include "ztensor/limits.h"

namespace zt::foreign::torch {

// Where the elements of a tensor are in its storage.
class Geometry {
 public:
  // Throws malformed, limit where the record contradicts itself.
  Geometry(const pickle::TensorRecord& tensor, const Limits& limits);

  const std::vector<std::uint64_t>& shape() const { return shape_; }  // of the elements that users see
  // Checks that all elements lie in a storage of so many bytes. Returns the bytes of all elements.
  std::uint64_t check(std::uint64_t storage_bytes) const;
  bool is_contiguous() const;  // row-major, without gaps
  Region used() const;  // from the first byte of an element to the last; after check(), of a tensor with elements
  std::uint32_t element_bytes() const { return width_; }
  // As a View has them.
  std::vector<std::uint64_t> axes() const { return size_; }
  std::vector<std::int64_t> byte_strides() const;

 private:
  bool is_empty() const;

  std::uint32_t width_ = 1;          // bytes of what the pickle calls an element
  std::uint64_t offset_;             // in such elements
  std::vector<std::uint64_t> size_;  // the same
  std::vector<std::uint64_t> stride_;
  std::vector<std::uint64_t> shape_;
  std::uint64_t most_decoded_;
};

}  // namespace zt::foreign::torch
