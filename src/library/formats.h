#pragma once

#include <span>
#include <string_view>

#include "model/catalog.h"
#include "model/encoder.h"
#include "ztensor/byte_store.h"
#include "ztensor/limits.h"

namespace zt::library {

// One format that this build reads.
struct Format {
  std::string_view name;  // as users type it; a decoder may say more exactly which generation it found
  bool (*sniff)(const ByteStore& store, std::string_view file_name);
  model::Catalog (*decode)(const ByteStore& store, const Limits& limits);
  const model::Encoder* encoder;  // null where we only read
};

std::span<const Format> formats();
// The format of a store, by content. Throws unsupported, naming formats that are known but not read.
const Format& detect(const ByteStore& store, std::string_view file_name);
// The format to write, by its name with or without "zt-"; "" is the one that is written by default. Throws usage.
const Format& find_writable(std::string_view name);
// The encoder of a source's format, by its name; null where we only read.
const model::Encoder* find_encoder(std::string_view format);
// Throws usage unless some source may have this format, by its name with or without "zt-".
void check_format_name(std::string_view name);
// Throws usage unless `path` may hold a file of ours: other formats' suffixes are not ours to use.
void check_suffix(std::string_view path);

}  // namespace zt::library
