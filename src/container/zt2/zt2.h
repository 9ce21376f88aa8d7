#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "model/catalog.h"
#include "model/encoder.h"
#include "ztensor/byte_store.h"
#include "ztensor/limits.h"

// Generation 2: blobs at page boundaries, one deterministic CBOR manifest, a footer that hashes it (spec/zt-2.md).
namespace zt::container::zt2 {

// Whether the store begins with the magic. Never throws for strange content.
bool sniff(const ByteStore& store, std::string_view name);
// Reads only the footer and the manifest. A broken rule of the container, of dense or of CSR refuses the file. A tensor
// that breaks the rules of another profile, or has something unknown, is listed with its fault. A data shard has no
// tensors.
model::Catalog decode(const ByteStore& store, const Limits& limits);
// Also gives the manifest that the catalog was made from.
model::Catalog decode_keeping(const ByteStore& store, const Limits& limits, std::vector<std::byte>& manifest);
extern const model::Encoder kEncoder;

}  // namespace zt::container::zt2
