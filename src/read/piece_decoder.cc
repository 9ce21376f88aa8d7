#include "read/piece_decoder.h"

namespace zt::read {

void decode_piece(codec::PieceDecoder& decoder, std::span<const codec::FrameSize> frames,
                  std::span<const std::byte> stored, std::span<std::byte> out) {
  for (const codec::FrameSize frame : frames) {
    // A (0, 0) row is legal and means no frame.
    if (frame.stored != 0 || frame.decoded != 0) decoder.decode(stored.first(frame.stored), out.first(frame.decoded));
    stored = stored.subspan(frame.stored);
    out = out.subspan(frame.decoded);
  }
}

}  // namespace zt::read
