#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "library/part_writer.h"
#include "read/gather.h"
#include "read/pieces.h"
#include "ztensor/error.h"
#include "ztensor/writer.h"

namespace zt::library {

// The elements of an array in memory.
class ArraySource final : public PieceSource {
 public:
  // Throws usage for strides that do not fit the shape, a null pointer, float4 that is not packed.
  explicit ArraySource(const ArrayView& array);
  std::uint64_t length() const override { return length_; }
  std::span<const std::byte> in_memory() const override;
  void read(std::size_t piece, std::span<std::byte> out, read::Scratch& scratch) override;

 private:
  read::StridedView view_;
  std::uint64_t length_;
};

// The decoded bytes of a part of a source, its digest checked on the way.
class StoredSource final : public PieceSource {
 public:
  explicit StoredSource(const read::PartSource& part)
      : reader_(part, read::Check::all, read::Use::plain), length_(part.recipe->decoded_length) {}
  std::uint64_t length() const override { return length_; }
  bool ordered() const override { return reader_.ordered(); }
  void read(std::size_t piece, std::span<std::byte> out, read::Scratch& scratch) override {
    reader_.read(piece, out, scratch);
  }
  void finish() override { reader_.finish(); }

 private:
  read::PieceReader reader_;
  std::uint64_t length_;
};

// The elements of an integer array as 64-bit indices. Throws usage for another dtype, or a negative one.
std::vector<std::uint64_t> widen(const ArrayView& array);
// Throws usage when the parts do not make up a tensor of a layout that this format defines; others pass.
void check_layout(const Shape& shape, std::string_view layout, std::span<const PartView> parts);

}  // namespace zt::library
