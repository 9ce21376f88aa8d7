#pragma once

#include <memory>

#include "read/picks.h"
#include "read/pieces.h"
#include "read/slice.h"

namespace zt::read {

// The ways to give out the pieces of a part.

// The pieces of the whole blob of a part: ignores its view. Throws as PieceReader does. `raw_piece`: the size of the
// pieces of raw bytes.
std::unique_ptr<Pieces> open_blob(const PartSource& part, Verify verify, Use use,
                                  std::uint64_t raw_piece = kPieceBytes);
// A compressed part without a usable seek table: one stream from the first byte to the last.
std::unique_ptr<Pieces> open_stream(const PartSource& part, Verify verify);
// A part whose elements lie apart in the blob, or fill only a part of it. Holds in memory all its elements, and a few
// pieces of the blob.
std::unique_ptr<Pieces> open_gathered(const PartSource& part, Verify verify, Use use);
// Only selected elements of such a part, with one selection for each axis of the view, and without digests. Skips
// pieces of the blob that hold none of these elements.
void gather_selected(const PartSource& part, const Picks& selection, std::span<std::byte> out, const SliceMeans& means);
// The blob of a part with a view, as a part of its own.
PartSource blob_of(const PartSource& part);

}  // namespace zt::read
