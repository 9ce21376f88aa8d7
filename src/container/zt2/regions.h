#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "container/zt2/footer.h"
#include "model/catalog.h"
#include "model/encoder.h"

// The bytes of a file of generation 2 that are in use, and those that may be used again (spec/zt-2.md §2, §9).
namespace zt::container::zt2 {

// Throws malformed "zt2.blob.overlap" if two blobs of a file, or a blob and the manifest, overlap and are not equal. It
// takes O(n log n) time, and memory linear in the number of parts.
void check_overlap(const model::Catalog& catalog, const Footer& footer);

// The root key under which our manifests list the regions of former manifests: an array of [offset, length].
inline constexpr std::string_view kFreeKey = "ztensor.free";
// The regions in the list of `manifest` that a writer may use, in the order of their offsets: aligned, inside the file,
// and without overlap with its blobs, its manifest and each other. Strange content never throws: it gives no regions.
std::vector<Region> free_regions(std::span<const std::byte> manifest, const model::Catalog& catalog,
                                 const Footer& footer, std::uint64_t file_size);

// model::Grower::former of this generation: the list of free_regions(), and the region of the current manifest, which
// the list names or which is added to it.
model::FormerManifests former_manifests(const ByteStore& store, const model::Catalog& catalog,
                                        std::span<const std::byte> manifest);

}  // namespace zt::container::zt2
