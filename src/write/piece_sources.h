#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "model/encoder.h"
#include "read/gather.h"
#include "read/pieces.h"
#include "write/part_writer.h"
#include "ztensor/error.h"
#include "ztensor/writer.h"

namespace zt::write {

// Bool bytes that are not 0 become 1: NumPy takes both for true, files hold 0 and 1 alone.
void make_clean(std::span<std::byte> bools);

// The elements of an array in memory; of a bool array as make_clean() leaves them.
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
  bool bools_;
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
// Throws usage unless the array has one dimension: of two, nothing says which comes first.
void check_flat(std::string_view what, const ArrayView& array);
// Throws usage unless the coordinates have the shape {rank, nnz}, or one dimension.
void check_coordinates(const ArrayView& coordinates, std::uint64_t rank, std::uint64_t nnz);
// Throws unsupported when a format has no such dtype.
void check_part(const PartView& part, const model::Encoder& encoder);
// Throws usage when the parts break a rule of zt.mx/1, zt.quant_group/1 or gguf.<type>/1; other layouts pass.
void check_quantized(const Shape& shape, std::string_view layout, std::span<const PartView> parts,
                     const Value& attributes);
// Throws usage when the parts do not make up a tensor of a layout that the format defines, unsupported for others where
// it has no more.
void check_layout(const Shape& shape, std::string_view layout, std::span<const PartView> parts,
                  const model::Encoder& encoder);

}  // namespace zt::write
