#pragma once

#include <cstddef>
#include <span>

#include "codec/zstd.h"

namespace zt::read {

// Decodes the frames of one piece: `stored` and `out` hold exactly their bytes. Touches no store. Throws what the
// decoder throws.
void decode_piece(codec::PieceDecoder& decoder, std::span<const codec::FrameSize> frames,
                  std::span<const std::byte> stored, std::span<std::byte> out);

}  // namespace zt::read
