#pragma once

#include <memory>

#include "read/picks.h"
#include "read/pieces.h"
#include "read/slice.h"

namespace zt::read {

// The ways that there are of handing out the pieces of a part.

// Of the blob that a part lies in: its view is not looked at. Throws as PieceReader does.
// Raw bytes come in pieces of `raw_piece`.
std::unique_ptr<Pieces> open_blob(const PartSource& part, Verify verify, Use use,
                                  std::uint64_t raw_piece = kPieceBytes);
// Of zstd without a usable seek table: one stream from its first byte to its last.
std::unique_ptr<Pieces> open_stream(const PartSource& part, Verify verify);
// Of elements that lie apart in their blob, or in a part of it. The blob passes by in pieces; what is in memory at a
// time are the elements, all of them, and a few of these pieces.
std::unique_ptr<Pieces> open_gathered(const PartSource& part, Verify verify, Use use);
// The same of selected elements alone, one selection an axis of the view, and without digests. Of the blob, pieces that
// hold none of them are not read.
void gather_selected(const PartSource& part, const Picks& selection, std::span<std::byte> out, const SliceMeans& means);
// The blob that a part with a view lies in, as a part of its own.
PartSource blob_of(const PartSource& part);

}  // namespace zt::read
