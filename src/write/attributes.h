#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/encoder.h"
#include "write/losses.h"
#include "ztensor/limits.h"
#include "ztensor/value.h"

// Attributes of files and tensors, as a format stores them.
namespace zt::write {

// A map with text keys; nothing for null. Throws usage for what no format holds, unsupported for what this one does
// not.
std::vector<std::byte> encode_attributes(const Value& attributes, const model::Encoder& encoder, bool of_file,
                                         const Limits& limits);
// How deep attributes, their map counted, may be for readers: what lies around them in the index takes the rest.
std::uint32_t attribute_depth(const model::Encoder& encoder, bool of_file, const Limits& limits);
// `former` and the members of `added`, which replace those of the same key. Where `added` is no map, it is the result,
// for encode_attributes() to refuse; null adds nothing.
Value merged_attributes(const Value& former, const Value& added);

// What the attributes of a tensor, or of a file, lose, and what is left of them.
std::vector<Loss> losses_of_attributes(const Value& attributes, const model::Encoder& encoder, bool of_file);
Value reduced_attributes(const Value& attributes, const model::Encoder& encoder, bool of_file);

}  // namespace zt::write
