#pragma once

#include <string_view>

#include "model/catalog.h"
#include "model/encoder.h"
#include "ztensor/byte_store.h"
#include "ztensor/limits.h"

// SafeTensors: the length of a header, the header in JSON, and behind it the bytes of all tensors without gaps.
namespace zt::foreign::safetensors {

// Whether the content looks like it, or the name ends in ".safetensors". Strange content is false; throws io only.
bool sniff(const ByteStore& store, std::string_view name);

// All metadata and no element bytes. A tensor of an unknown dtype is listed as unreadable; any other fault refuses the
// file. Throws malformed, limit, unsupported (built without simdjson), io.
model::Catalog decode(const ByteStore& store, const Limits& limits);
// Writes what the reference writes: the same header and the same order of tensors, to the byte.
extern const model::Encoder kEncoder;

}  // namespace zt::foreign::safetensors
