#pragma once

#include <cstdint>
#include <span>

#include "read/part_source.h"
#include "read/picks.h"
#include "read/slice_cache.h"
#include "run/progress.h"

namespace zt::read {

// What a slice may use besides its part.
struct SliceMeans {
  SliceCache* cache = nullptr;  // of the part's source; null: remember nothing
  unsigned threads = 1;
  run::Meter* meter = nullptr;  // counts bytes of the result; may be null
};

// Gathers the selected elements of a dense part of `shape`, row-major, into `out`, which holds exactly these elements.
// Reads and decodes only the bytes that they need. One selection for each axis, with positions inside the shape: the
// caller has checked.
void read_slice(const PartSource& part, std::span<const std::uint64_t> shape, std::size_t element_bytes,
                const Picks& selection, std::span<std::byte> out, const SliceMeans& means = {});

}  // namespace zt::read
