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

// The decoded bytes of one part, piece by piece, all digests checked on the way; or the indices that it holds, each
// widened to 64 bits, little-endian. One thread's.
class PieceWalk {
 public:
  PieceWalk(const Part& part, bool as_indices);

  std::uint64_t length() const;  // of the part, decoded
  std::uint64_t items() const;   // bytes, or indices
  std::uint64_t stray() const;   // bytes behind the last whole index
  // The next piece, valid until the next call; empty when all was handed out. Of two parts with as many items, pieces are
  // as long.
  std::span<const std::byte> next();
  std::uint64_t taken() const { return taken_; }  // decoded bytes of the part that the last piece was made of
  // After the last piece. Throws mismatch, malformed.
  void finish();

 private:
  std::optional<source::PartBytes> bytes_;
  std::optional<source::WideIndices> indices_;
  std::uint64_t passed_ = 0;  // items
  std::uint64_t taken_ = 0;
  std::vector<std::byte> piece_;
  std::vector<std::uint64_t> wide_;
};

// Walks parts side by side: `visit(piece, ...)` gets the same stretch of each. False where the meter was stopped.
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
