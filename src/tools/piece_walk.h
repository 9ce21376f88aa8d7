#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "run/progress.h"
#include "source/part_bytes.h"

namespace zt::tools {

// The decoded bytes of one part, piece by piece, or its indices, each widened to 64 bits, little-endian. Checks all
// digests. For one thread.
class PieceWalk {
 public:
  PieceWalk(const Part& part, bool as_indices);

  std::uint64_t length() const;  // the decoded length of the part
  std::uint64_t items() const;   // bytes, or indices
  std::uint64_t stray() const;   // bytes after the last whole index
  // The next piece, valid until the next call; empty at the end. Two parts with equally many items have pieces of equal
  // lengths.
  std::span<const std::byte> next();
  std::uint64_t taken() const { return taken_; }  // decoded bytes in the last piece
  // Call it after the last piece. Throws mismatch, malformed.
  void finish();

 private:
  std::optional<source::PartBytes> bytes_;
  std::optional<source::WideIndices> indices_;
  std::uint64_t passed_ = 0;  // items so far
  std::uint64_t taken_ = 0;
  std::vector<std::byte> piece_;
  std::vector<std::uint64_t> wide_;
};

// Walks parts side by side: `visit(piece, ...)` gets the same range of each. False if the meter was stopped.
template <class Visit, class... Others>
bool for_each_piece(run::Meter& meter, Visit&& visit, PieceWalk& first, Others&... others) {
  while (!meter.stopped()) {
    const std::span<const std::byte> piece = first.next();
    if (piece.empty()) {
      first.finish();
      (others.finish(), ...);
      return true;
    }
    visit(piece, others.next()...);
    meter.add(first.taken());
    meter.poll_if_mine();
  }
  return false;
}

}  // namespace zt::tools
