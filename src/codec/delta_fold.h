#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "codec/delta.h"

namespace zt::codec {

// A whole part of zt.delta/1, and the bytes that it decodes to.
struct DeltaPart {
  std::span<const std::byte> stored;
  std::uint64_t decoded = 0;
};

// One part that decodes to what `upper` over `lower` over `base` decodes to, piece by piece (spec/delta.md §6). Pieces
// that only one of the two parts changes move as they are stored. A patch over a patch becomes a patch, and needs no
// base. All other pieces are decoded and encoded anew over `base`, as `kind` says. Throws as DeltaDecoder does, and
// mismatch "delta.base.check" where `upper` was not made over what `lower` decodes to.
std::vector<std::byte> fold_delta(DeltaElements elements, DeltaMode kind, const DeltaPart& lower,
                                  const DeltaPart& upper, std::span<const std::byte> base);

}  // namespace zt::codec
