#include "tools/piece_walk.h"

#include <algorithm>

#include "base/endian.h"

namespace zt::tools {

PieceWalk::PieceWalk(const Part& part, bool as_indices) {
  if (as_indices) {
    indices_.emplace(part);
  } else {
    bytes_.emplace(part);
  }
}

std::uint64_t PieceWalk::length() const { return indices_ ? indices_->length() : bytes_->length(); }
std::uint64_t PieceWalk::items() const { return indices_ ? indices_->count() : bytes_->length(); }
std::uint64_t PieceWalk::stray() const { return indices_ ? indices_->stray() : 0; }

std::span<const std::byte> PieceWalk::next() {
  const std::uint64_t most = indices_ ? read::kPieceBytes / sizeof(std::uint64_t) : read::kPieceBytes;
  const auto count = static_cast<std::size_t>(std::min(most, items() - passed_));
  passed_ += count;
  if (bytes_) {
    piece_.resize(count);
    if (count > 0) bytes_->read(piece_);
    taken_ = count;
    return piece_;
  }
  wide_.resize(count);
  if (count > 0) indices_->read(wide_);
  for (std::uint64_t& index : wide_) endian::store_le(reinterpret_cast<std::byte*>(&index), index);
  taken_ = count * indices_->width();
  return std::as_bytes(std::span(wide_));
}

void PieceWalk::finish() {
  if (indices_) {
    indices_->finish();
  } else {
    bytes_->finish();
  }
}

}  // namespace zt::tools
