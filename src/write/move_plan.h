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

// A part of another source, as far as it matters for moving it.
struct MovedPart {
  bool foreign = false;          // of a format that is not ours: it has no digests to keep
  bool decoded_digests = false;  // its digest is over its decoded bytes
  model::Coding coding = model::Coding::raw;
  bool whole = true;             // it is all of its stored bytes, as they lie
  bool changed = false;          // its contents are changed on the way
  std::string_view digest = {};  // as the source has it; empty: none
  // Whether frames and their seek table are all that is stored. Asked at most once: it may read the part.
  std::function<bool()> is_seekable = {};
};

// What becomes of a part's digest when its stored bytes move as they are.
enum class MovedDigest : std::uint8_t {
  keep,    // it stays
  hash,    // it is made of the stored bytes as they pass; these are the decoded ones, or the format wants those
  decode,  // it is made of the decoded bytes, which takes a decode
};

struct MovePlan {
  bool as_is = false;  // its stored bytes move; else they are decoded and stored anew, and the rest says nothing
  MovedDigest digest = MovedDigest::keep;
  Checksum checksum = Checksum::none;  // that is made; none where it stays
  bool check_decoded = false;          // the digest that it has is over decoded bytes: these are decoded to check it
};

// How a part gets into a file of this form. `recode`: how it is to be stored, where that is asked for. Pure, except for
// what is_seekable does.
MovePlan plan_move(const MovedPart& part, const Form& to, std::optional<Encoding> recode);

}  // namespace zt::write
