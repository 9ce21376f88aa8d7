#include "source/part_bytes.h"

#include <algorithm>
#include <cstring>

#include "source/access.h"
#include "source/indices.h"
#include "source/state.h"

namespace zt::source {

template <class F>
decltype(auto) PartBytes::located(F&& work) const {
  return source::located(*Access::state(part_), Access::tensor_row(part_), &source::row_of(part_),
                         std::forward<F>(work));
}

PartBytes::PartBytes(const Part& part) : part_(part) {
  const SourceState& state = *Access::state(part_);
  const model::PartRow& row = source::row_of(part_);
  located([&] {
    // Plain pieces have equal sizes for equal contents, whatever the encodings are.
    reader_ = std::make_unique<read::PieceReader>(state.part_source(row, state.measured(row)), Verify::always,
                                                  read::Use::plain);
  });
}

void PartBytes::next_piece(std::span<std::byte> out) {
  located([&] { reader_->read(piece_, out, scratch_); });
  ++piece_;
}

void PartBytes::read(std::span<std::byte> out) {
  while (!out.empty()) {
    if (held_passed_ == held_.size()) {
      const std::size_t length = reader_->piece_length(piece_);
      if (length <= out.size()) {  // read straight into `out`
        next_piece(out.first(length));
        out = out.subspan(length);
        continue;
      }
      held_.resize(length);
      held_passed_ = 0;
      next_piece(held_);
    }
    const std::size_t length = std::min(out.size(), held_.size() - held_passed_);
    std::memcpy(out.data(), held_.data() + held_passed_, length);
    held_passed_ += length;
    out = out.subspan(length);
  }
}

void PartBytes::finish() {
  located([&] { reader_->finish(); });
}

WideIndices::WideIndices(const Part& part)
    : bytes_(part), width_(model::integer_bytes(part.dtype())), signed_(model::is_signed(part.dtype())) {}

void WideIndices::read(std::span<std::uint64_t> out) {
  narrow_.resize(out.size() * width_);
  bytes_.read(narrow_);
  const std::uint64_t sign = std::uint64_t{1} << (8 * width_ - 1);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint64_t index = load_index(narrow_.data() + i * width_, width_);
    out[i] = signed_ ? (index ^ sign) - sign : index;
  }
}

}  // namespace zt::source
