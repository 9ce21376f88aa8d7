#pragma once

#include <cstdint>
#include <span>

#include "read/pieces.h"
#include "ztensor/slice.h"

namespace zt::read {

// Gathers the selected elements of a dense part of `shape`, row-major, into `out`, which holds exactly them. Reads or
// decodes only what they need, in blocks. One selection an axis, positions inside the shape: the caller has checked.
void read_slice(const PartSource& part, std::span<const std::uint64_t> shape, std::size_t element_bytes,
                const Selection& selection, std::span<std::byte> out);

}  // namespace zt::read
