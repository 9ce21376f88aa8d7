#include "ztensor/changes.h"

#include <algorithm>
#include <string>
#include <utility>

#include "source/access.h"
#include "source/delta_bases.h"
#include "ztensor/error.h"

namespace zt {
namespace {

// The stored bytes of the only part of a delta.
const model::PartRow& delta_row(const Tensor& tensor) {
  source::check_readable(tensor);
  if (tensor.parts() == 1) {
    const model::PartRow& row = source::row_of(tensor.part(0));
    if (row.recipe.coding.is_delta()) return row;
  }
  throw Error(Code::usage, "",
              "tensor " + std::string(tensor.name()) + " is stored whole, so the file does not say what changed");
}

Changes whole_piece(const Tensor& tensor, const model::PartRow& row, std::uint64_t at, std::uint64_t size) {
  const SourceState& state = *Access::state(tensor);
  const std::uint64_t width = dtype_bits(row.dtype) / 8;
  Changes changes{.first = at / width, .count = size / width, .is_whole = true};
  changes.elements.resize(static_cast<std::size_t>(size));
  source::located(state, Access::row(tensor), &row,
                  [&] { state.part_source(row, row.recipe).store->read_at(at, changes.elements); });
  return changes;
}

}  // namespace

std::size_t change_pieces(const Tensor& tensor) {
  return static_cast<std::size_t>(codec::delta_pieces(delta_row(tensor).recipe.decoded_length));
}

Changes changes_of(const Tensor& tensor, std::size_t piece) {
  const model::PartRow& row = delta_row(tensor);
  if (piece >= change_pieces(tensor)) throw Error(Code::usage, "", "the tensor has no piece " + std::to_string(piece));
  const SourceState& state = *Access::state(tensor);
  const std::uint64_t width = width_of(row.recipe.coding.form);
  const std::uint64_t at = piece * std::uint64_t{codec::kDeltaPieceBytes};
  const std::uint64_t size = std::min<std::uint64_t>(row.recipe.decoded_length - at, codec::kDeltaPieceBytes);
  if (dtype_bits(row.dtype) > 8 * width)
    return whole_piece(tensor, row, at, size);  // a change may touch half an element
  codec::DeltaChanges found = source::located(state, Access::row(tensor), &row, [&] {
    return source::piece_changes(state, row, piece, static_cast<std::size_t>(size));
  });
  return {.first = at / width,
          .count = size / width,
          .is_whole = found.is_whole,
          .indices = std::move(found.indices),
          .elements = std::move(found.elements)};
}

}  // namespace zt
