#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hash/crc.h"
#include "hash/digest.h"
#include "read/part_source.h"
#include "read/turns.h"
#include "ztensor/options.h"

namespace zt::read {

// Compares the bytes of a part with its digest, piece by piece.
class DigestCheck {
 public:
  // The part, and the digests to check. `raw`: the stored bytes are the decoded bytes. Throws mismatch "digest.form".
  DigestCheck(const PartSource& part, Verify verify, bool raw);

  bool is_on() const { return digest_.algorithm != Checksum::none; }
  // Whether it takes pieces of decoded bytes. If false, it takes stored bytes.
  bool over_decoded() const { return over_decoded_; }
  // Whether bytes must stay unchanged until finish(), or be taken in the order of the pieces.
  bool needs_order() const { return is_on() && !hash::is_crc(digest_.algorithm); }
  // Prepares for `pieces` pieces, each taken once, in any order and by any thread.
  void expect(std::size_t pieces);
  void take(std::size_t piece, std::span<const std::byte> bytes);
  // For bytes that come in order and not in pieces, and for bytes after the last piece. For one thread.
  void append(std::span<const std::byte> bytes);
  // Throws mismatch "digest.mismatch".
  void finish();

 private:
  struct PieceCrc {
    std::uint32_t crc = 0;
    std::uint64_t length = 0;
  };
  hash::Digest digest_;  // algorithm none: no check
  bool over_decoded_;
  PartSource part_;                        // for the message
  std::vector<PieceCrc> crcs_;             // join in any order
  std::unique_ptr<DigestInTurn> in_turn_;  // for digests that cannot be joined from digests of pieces
  PieceCrc behind_;                        // of the bytes that append() took
};

}  // namespace zt::read
