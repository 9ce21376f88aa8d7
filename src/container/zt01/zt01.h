#pragma once

#include <string_view>

#include "model/catalog.h"
#include "ztensor/byte_store.h"
#include "ztensor/limits.h"

// Generation 0.1: blobs, a CBOR array of tensors, its size (spec/zt-0.1.md). Read only.
namespace zt::container::zt01 {

// Whether the store begins with the magic. Never throws for strange content.
bool sniff(const ByteStore& store, std::string_view name);
// Reads only the index. Lists an entry that breaks a rule with its fault. If two entries have the same name, lists the
// first one and adds a note.
model::Catalog decode(const ByteStore& store, const Limits& limits);

}  // namespace zt::container::zt01
