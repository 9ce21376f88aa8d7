#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "model/catalog.h"
#include "model/encoder.h"
#include "ztensor/byte_store.h"
#include "ztensor/limits.h"

// Generations 1.1 and 1.2: blobs, one CBOR manifest, a footer (spec/zt-1.2.md).
namespace zt::container::zt12 {

// Whether the store begins with the magic, and is not a 1.0 file. Never throws for strange content.
bool sniff(const ByteStore& store, std::string_view name);
// Reads only the manifest. Lists an entry that breaks a rule with its fault.
model::Catalog decode(const ByteStore& store, const Limits& limits);
// Also gives the manifest that the catalog was made from.
model::Catalog decode_keeping(const ByteStore& store, const Limits& limits, std::vector<std::byte>& manifest);
extern const model::Encoder kEncoder;

}  // namespace zt::container::zt12
