#pragma once

#include <string_view>

#include "model/catalog.h"
#include "model/encoder.h"
#include "ztensor/byte_store.h"
#include "ztensor/limits.h"

// SafeTensors: the length of the header, the header in JSON, and the bytes of all tensors without gaps.
namespace zt::foreign::safetensors {

// Whether the content looks like SafeTensors, or the name ends in ".safetensors". Throws only io.
bool sniff(const ByteStore& store, std::string_view name);

// Reads all metadata and no element bytes. Lists a tensor of an unknown dtype as unreadable. For any other fault throws
// malformed or limit. Also throws unsupported (built without simdjson) and io.
model::Catalog decode(const ByteStore& store, const Limits& limits);
// Writes the same bytes as the reference: the same header, and the same order of tensors.
extern const model::Encoder kEncoder;

}  // namespace zt::foreign::safetensors
