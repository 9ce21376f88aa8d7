#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "read/gather.h"
#include "write/pieces.h"
#include "ztensor/writer.h"

namespace zt::write {

// Bool bytes that are not 0 become 1: NumPy takes both for true, files hold 0 and 1 alone.
void make_clean(std::span<std::byte> bools);

// The elements of an array in memory; of a bool array as make_clean() leaves them.
class ArrayPieces final : public Pieces {
 public:
  // Throws usage for strides that do not fit the shape, a null pointer, float4 that is not packed.
  explicit ArrayPieces(const ArrayView& array);
  std::uint64_t length() const override { return length_; }
  std::span<const std::byte> in_memory() const override;
  void read(std::size_t piece, std::span<std::byte> out, read::Scratch& scratch) override;

 private:
  read::StridedView view_;
  std::uint64_t length_;
  bool bools_;
};

// The elements of an integer array as 64-bit indices. Throws usage for another dtype, or a negative one.
std::vector<std::uint64_t> widen(const ArrayView& array);

}  // namespace zt::write
