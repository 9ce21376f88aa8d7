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

// Takes a map with text keys; null gives no bytes. Throws usage for attributes that no format holds, unsupported for
// attributes that this format does not hold.
std::vector<std::byte> encode_attributes(const Value& attributes, const model::Encoder& encoder, bool of_file,
                                         const Limits& limits);
// Throws usage for a user's attributes that say what a delta is over (spec/delta.md §5): only the library writes these.
void check_unreserved(const Value& attributes, bool of_file);
// The depth that readers leave for attributes, their map included. The index around them takes the rest.
std::uint32_t attribute_depth(const model::Encoder& encoder, bool of_file, const Limits& limits);
// `former` with the members of `added`, which replace members with equal keys. Null adds nothing. If `added` is another
// value than a map, the result is `added`, and encode_attributes() refuses it.
Value merged_attributes(const Value& former, const Value& added);

// What a format loses of the attributes of a tensor or file, and the attributes that are left.
std::vector<Loss> losses_of_attributes(const Value& attributes, const model::Encoder& encoder, bool of_file);
Value reduced_attributes(const Value& attributes, const model::Encoder& encoder, bool of_file);

}  // namespace zt::write
