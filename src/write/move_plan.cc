#include "write/move_plan.h"

namespace zt::write {
namespace {

bool moves_as_is(const MovedPart& part, const Form& to, std::optional<Encoding> recode) {
  const bool raw = part.coding.is_raw();
  if (part.foreign || part.changed || !part.whole) return false;
  if (recode && !(recode->is_raw() && raw)) return false;
  if (raw) return true;
  if (to.canonical || !to.encoder->has_codec(part.coding.codec)) return false;
  return !to.encoder->holds.only_seekable_parts || part.is_seekable();
}

// Digests over decoded bytes. A sha256 of such a file stays a sha256: its writer chose it.
void plan_decoded(const MovedPart& part, const Form& to, MovePlan& plan) {
  const bool strong = part.decoded_digests && part.digest.starts_with("sha256:") && !to.canonical;
  plan.checksum = to.options.checksum.value_or(strong ? Checksum::sha256 : Checksum::xxh3);
  plan.digest = part.coding.is_raw() ? MovedDigest::hash : MovedDigest::decode;
}

// Digests over stored bytes.
void plan_stored(const MovedPart& part, const Form& to, MovePlan& plan) {
  // Readers of formats without sha256 check one form of crc32c, and no other digest.
  const bool known = to.encoder->holds.sha256 || part.digest.starts_with("crc32c:0x");
  if (!part.decoded_digests && !to.options.checksum && known) return;
  plan.checksum = to.options.checksum.value_or(Checksum::crc32c);
  plan.digest = MovedDigest::hash;
}

}  // namespace

MovePlan plan_move(const MovedPart& part, const Form& to, std::optional<Encoding> recode) {
  MovePlan plan{.as_is = moves_as_is(part, to, recode)};
  if (!plan.as_is) return plan;
  switch (to.encoder->holds.digests) {
    case model::Digests::archive: plan.checksum = Checksum::crc32; [[fallthrough]];
    case model::Digests::none:
      plan.digest = MovedDigest::hash;  // the checksum is none
      break;
    case model::Digests::stored: plan_stored(part, to, plan); break;
    case model::Digests::decoded: plan_decoded(part, to, plan); break;
  }
  const bool encoded = !part.coding.is_raw();
  const bool decodes = plan.digest == MovedDigest::decode && plan.checksum != Checksum::none;  // which checks, too
  plan.check_decoded = encoded && part.decoded_digests && !decodes;
  return plan;
}

}  // namespace zt::write
