#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "read/gather.h"
#include "write/pieces.h"
#include "ztensor/writer.h"

namespace zt::write {

// Bool bytes other than 0 become 1. NumPy takes each of them for true, but files may hold only 0 and 1.
void make_clean(std::span<std::byte> bools);

// The elements of an array in memory. Bytes of a bool array are cleaned by make_clean().
class ArrayPieces final : public Pieces {
 public:
  // Throws usage for strides that do not fit the shape, for a null pointer, and for float4 with strides.
  explicit ArrayPieces(const ArrayView& array);
  std::uint64_t length() const override { return length_; }
  std::span<const std::byte> in_memory() const override;
  void read(std::size_t piece, std::span<std::byte> out, read::Scratch& scratch) override;

 private:
  read::StridedView view_;
  std::uint64_t length_;
  bool bools_;
};

// The elements of an integer array as 64-bit indices. Throws usage for another dtype, or for a negative element.
std::vector<std::uint64_t> widen(const ArrayView& array);

}  // namespace zt::write
