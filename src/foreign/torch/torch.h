#pragma once

#include <string_view>

#include "model/catalog.h"
#include "ztensor/byte_store.h"
#include "ztensor/limits.h"

// Files of torch.save and torch.jit.save: archives, and streams of versions before 1.6 (docs/formats/pytorch.md).
namespace zt::foreign::torch {

// Whether the content is a stream of torch, or an archive that is not npz. `name` plays no part. Throws only io.
bool sniff(const ByteStore& store, std::string_view name);

// Reads all metadata and no element bytes. A tensor that cannot be read is listed with its fault. Throws malformed,
// unsupported (other archives), refused (pickles that name code to run), limit, mismatch; io.
model::Catalog decode(const ByteStore& store, const Limits& limits);

}  // namespace zt::foreign::torch
