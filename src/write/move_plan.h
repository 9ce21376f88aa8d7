#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "model/encoder.h"
#include "model/recipe.h"
#include "write/form.h"
#include "ztensor/options.h"

namespace zt::write {

// The properties of a part of another source that matter for moving it.
struct MovedPart {
  bool foreign = false;          // of a foreign format: no digest can be kept
  bool decoded_digests = false;  // its digest is over its decoded bytes
  model::Coding coding = model::Coding::raw;
  bool whole = true;             // it is all of its stored bytes, unchanged
  bool changed = false;          // moving changes its contents
  std::string_view digest = {};  // the digest text of the source; may be empty
  // Whether the stored bytes are exactly frames and their seek table. Called at most once: it may read the part.
  std::function<bool()> is_seekable = {};
};

// What happens to a part's digest if its stored bytes move as they are.
enum class MovedDigest : std::uint8_t {
  keep,    // keeps the digest
  hash,    // hashes the stored bytes as they pass
  decode,  // decodes the part, and hashes the decoded bytes
};

struct MovePlan {
  // The stored bytes move. If false, the part is decoded and stored anew, and the other members mean nothing.
  bool as_is = false;
  MovedDigest digest = MovedDigest::keep;
  Checksum checksum = Checksum::none;  // of the new digest; none with `keep`
  bool check_decoded = false;          // decode the part to check the source's digest, which is over decoded bytes
};

// How to move a part to a file of this form. `recode`: the encoding that the caller asks for, if any. Pure, except that
// it may call is_seekable.
MovePlan plan_move(const MovedPart& part, const Form& to, std::optional<Encoding> recode);

}  // namespace zt::write
