#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/catalog.h"
#include "model/encoder.h"
#include "ztensor/byte_store.h"
#include "ztensor/limits.h"

// GGUF, versions 1 to 3 in either byte order: metadata, a list of tensors, and their aligned bytes.
namespace zt::foreign::gguf {

// Whether the content begins as GGUF, or the name ends in ".gguf". Throws only io.
bool sniff(const ByteStore& store, std::string_view name);

// Reads all metadata and no element bytes. Lists as unreadable a tensor of an unknown type, or with a shape or place
// that cannot be. For any other fault throws malformed, unsupported (version) or limit. Also throws io.
model::Catalog decode(const ByteStore& store, const Limits& limits);

// Writes little-endian files, with the version, alignment and types of values that the attributes keep.
extern const model::Encoder kEncoder;

// What the metadata says about a model that lies in several files. A number that is not there is absent.
struct Split {
  std::optional<std::uint64_t> number;   // of this file, from 0
  std::optional<std::uint64_t> count;    // of files
  std::optional<std::uint64_t> tensors;  // of all files
};
// From the attributes of a decoded file. Throws malformed for a number that is none. Empty if no key begins with
// "split.".
std::optional<Split> split_of(std::span<const std::byte> attributes);
// Whether the key is one of those that split_of() reads: its value has to be an integer from 0.
bool is_split_number(std::string_view key);
// What decode() notes about a file of a split model; "": nothing.
std::string note_of(const Split& split);

}  // namespace zt::foreign::gguf
