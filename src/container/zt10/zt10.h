#pragma once

#include <string_view>

#include "model/catalog.h"
#include "model/encoder.h"
#include "ztensor/byte_store.h"
#include "ztensor/limits.h"

// Generation 1.0: blobs, one CBOR manifest, its size (spec/zt-1.0.md).
namespace zt::container::zt10 {

// Whether the store begins with the magic that 1.0 shares with 1.1, and ends in the size of a manifest, not in the
// magic. Never throws for strange content.
bool sniff(const ByteStore& store, std::string_view name);
// Reads only the manifest. Lists an entry that breaks a rule with its fault.
model::Catalog decode(const ByteStore& store, const Limits& limits);
// manifest() throws unsupported "zt10.unwritable" for everything that the generation cannot store: attributes of
// tensors, attributes of the file that are not text, logical types, and parts of other dtypes than 1.0 expects.
// storage() gives "" for such a dtype.
extern const model::Encoder kEncoder;

}  // namespace zt::container::zt10
