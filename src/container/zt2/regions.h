#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "container/zt2/footer.h"
#include "model/catalog.h"
#include "model/encoder.h"

// Which bytes of a file of generation 2 are taken, and which may be taken again (spec/zt-2.md §2, §9).
namespace zt::container::zt2 {

// Throws malformed "zt2.blob.overlap" unless the blobs of each file, and this one's manifest, are disjoint or the same.
// O(n log n), in memory linear in the parts.
void check_overlap(const model::Catalog& catalog, const Footer& footer);

// The root key under which a manifest of ours lists regions of former manifests: an array of [offset, length].
inline constexpr std::string_view kFreeKey = "ztensor.free";
// Those regions of `manifest` that a writer may use: aligned, inside the file, clear of its blobs and its manifest and
// of one another. Never throws for strange content: what is no such list gives none. In order of their offsets.
std::vector<Region> free_regions(std::span<const std::byte> manifest, const model::Catalog& catalog,
                                 const Footer& footer, std::uint64_t file_size);

// model::Encoder::former of this generation: the list as above, but with the region of the present manifest, which it
// names or which is added to it.
std::vector<Region> former_regions(const ByteStore& store, const model::Catalog& catalog,
                                   std::span<const std::byte> manifest, std::vector<Region>& reusable);

}  // namespace zt::container::zt2
