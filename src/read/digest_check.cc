#include "read/digest_check.h"

#include <algorithm>
#include <string>

#include "base/utf8.h"
#include "ztensor/error.h"

namespace zt::read {

// zt-1.2 §7
DigestCheck::DigestCheck(const PartSource& part, Verify verify, bool raw)
    : over_decoded_(part.decoded_digest || raw), part_(part) {
  const bool costly = part.digest.starts_with("sha256");
  if (verify == Verify::never || (costly && verify != Verify::always)) return;
  const auto digest = part.decoded_digest ? hash::parse_decoded_digest(part.digest) : hash::parse_digest(part.digest);
  if (!digest) {
    throw Error(Code::mismatch, "digest.form", "digest " + in_quotes(part.digest) + " is malformed");
  }
  digest_ = *digest;
  if (needs_order()) in_turn_ = std::make_unique<DigestInTurn>(digest_.algorithm);
}

void DigestCheck::expect(std::size_t pieces) {
  if (is_on() && !needs_order()) crcs_.resize(pieces);
}

void DigestCheck::take(std::size_t piece, std::span<const std::byte> bytes) {
  if (in_turn_) {
    in_turn_->bring(piece, bytes);
  } else if (is_on()) {
    crcs_[piece] = {hash::crc_of(digest_.algorithm, bytes), bytes.size()};
  }
}

void DigestCheck::append(std::span<const std::byte> bytes) {
  if (in_turn_) {
    in_turn_->append(bytes);
  } else if (is_on()) {
    behind_ = {hash::crc_of(digest_.algorithm, bytes, behind_.crc), behind_.length + bytes.size()};
  }
}

// zt-1.2 §7
void DigestCheck::finish() {
  if (!is_on()) return;
  hash::Digest found{.algorithm = digest_.algorithm};
  if (in_turn_) {
    found = in_turn_->finish();
  } else {
    const auto join = [&](PieceCrc piece) {
      found.crc = hash::crc_join(digest_.algorithm, found.crc, piece.crc, piece.length);
    };
    std::ranges::for_each(crcs_, join);
    join(behind_);
  }
  if (found == digest_) return;
  throw Error(Code::mismatch, "digest.mismatch",
              std::string(part_.decoded_digest ? "the decoded bytes of " : "bytes ") +
                  std::to_string(part_.recipe.offset) + " + " + std::to_string(part_.recipe.stored_length) +
                  " have digest " + hash::format_digest(found) + ", the file says " + std::string(part_.digest));
}

}  // namespace zt::read
