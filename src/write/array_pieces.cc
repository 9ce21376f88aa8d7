#include "write/array_pieces.h"

#include <algorithm>
#include <string>

#include "base/checked.h"
#include "model/integers.h"
#include "model/recipe.h"
#include "source/indices.h"
#include "ztensor/error.h"

namespace zt::write {
namespace {

std::uint64_t length_of(const ArrayView& array) {
  const auto elements = checked::elements(array.shape);
  const auto length = elements ? byte_length(array.dtype, *elements) : std::nullopt;
  if (!length) throw Error(Code::usage, "", "the shape has more elements than 64 bits count");
  if (!array.strides.empty() && array.strides.size() != array.shape.size()) {
    throw Error(Code::usage, "",
                std::to_string(array.strides.size()) + " strides for " + std::to_string(array.shape.size()) +
                    " dimensions: give one stride for each dimension");
  }
  if (array.data == nullptr && *length > 0) throw Error(Code::usage, "", "the array has no data");
  return *length;
}

read::StridedView view_of(const ArrayView& array) {
  const std::uint64_t length = length_of(array);
  if (array.dtype == DType::f4_e2m1) {  // two elements share a byte, so only a single row of packed bytes has strides
    if (!array.strides.empty())
      throw Error(Code::usage, "", "strides are given for packed float4 elements: leave them out");
    const std::int64_t one = 1;
    return {array.data, {&length, 1}, {&one, 1}, 1, 0};
  }
  const std::size_t bytes = dtype_bits(array.dtype) / 8;
  std::vector<std::int64_t> strides = array.strides;
  if (strides.empty() && length > 0) {  // the product of the dimensions of an empty array may overflow
    strides.resize(array.shape.size());
    auto stride = static_cast<std::int64_t>(bytes);
    for (std::size_t i = strides.size(); i-- > 0;) {
      strides[i] = stride;
      stride *= static_cast<std::int64_t>(array.shape[i]);
    }
  }
  const std::size_t word = array.byte_swapped ? width_of(model::element_form(array.dtype)) : 0;
  return {array.data, array.shape, strides, bytes, word > 1 ? word : 0};
}

}  // namespace

void make_clean(std::span<std::byte> bools) {
  for (std::byte& byte : bools) byte = static_cast<std::byte>(byte != std::byte{0});
}

ArrayPieces::ArrayPieces(const ArrayView& array)
    : view_(view_of(array)), length_(length_of(array)), bools_(array.dtype == DType::boolean) {}

std::span<const std::byte> ArrayPieces::in_memory() const {
  if (bools_ || !view_.is_contiguous()) return {};
  return {view_.data(), static_cast<std::size_t>(length_)};
}

void ArrayPieces::read(std::size_t piece, std::span<std::byte> out, read::Scratch&) {
  view_.gather(piece * read::kPieceBytes, out);
  if (bools_) make_clean(out);
}

std::vector<std::uint64_t> widen(const ArrayView& array) {
  if (model::integer_bytes(array.dtype) == 0) {
    throw Error(Code::usage, "", "the indices are " + std::string(dtype_name(array.dtype)) + ": give integers");
  }
  const read::StridedView view = view_of(array);
  std::vector<std::byte> bytes(static_cast<std::size_t>(length_of(array)));
  view.gather(0, bytes);
  return source::widen_indices(bytes, array.dtype, [](std::size_t i) {
    throw Error(Code::usage, "", "index " + std::to_string(i) + " is negative: count from 0");
  });
}

}  // namespace zt::write
