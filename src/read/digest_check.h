#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hash/digest.h"
#include "read/part_source.h"
#include "read/turns.h"
#include "ztensor/options.h"

namespace zt::read {

// Holds the bytes of a part against its digest, piece by piece.
class DigestCheck {
 public:
  // Of which part, and which digests are wanted. `raw`: decoded bytes are the stored ones. Throws mismatch
  // "digest.form".
  DigestCheck(const PartSource& part, Verify verify, bool raw);

  bool is_on() const { return digest_.algorithm != Checksum::none; }
  // Whether the pieces to take are of decoded bytes; else of stored ones.
  bool over_decoded() const { return over_decoded_; }
  // Whether bytes that were taken must stay as they are until finish(), or be taken in the order of the pieces.
  bool needs_order() const { return is_on() && digest_.algorithm != Checksum::crc32c; }
  // Makes ready for so many pieces, taken in any order and by any thread, each once.
  void expect(std::size_t pieces);
  void take(std::size_t piece, std::span<const std::byte> bytes);
  // For bytes that come in order and not in pieces, and for those behind the last piece. One thread's.
  void append(std::span<const std::byte> bytes);
  // Throws mismatch "digest.mismatch".
  void finish();

 private:
  struct PieceCrc {
    std::uint32_t crc = 0;
    std::uint64_t length = 0;
  };
  hash::Digest digest_;  // algorithm none: nothing to check
  bool over_decoded_;
  PartSource part_;                        // for the message
  std::vector<PieceCrc> crcs_;             // can be joined in any order
  std::unique_ptr<DigestInTurn> in_turn_;  // of digests that cannot be put together from those of pieces
  PieceCrc behind_;                        // of what append() was given
};

}  // namespace zt::read
