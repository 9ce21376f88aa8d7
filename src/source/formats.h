#pragma once

#include <array>
#include <span>
#include <string_view>

#include "model/catalog.h"
#include "model/encoder.h"
#include "ztensor/byte_store.h"
#include "ztensor/limits.h"

namespace zt::source {

// One format that people have, read by this build or not. A new format is a row in formats.cc and nothing else there.
struct Format {
  std::string_view name;                             // as users type it; those of .zt also without "zt-"
  std::string_view title;                            // "a GGUF file": what an error calls it
  std::array<std::string_view, 3> suffixes = {};     // of file names that belong to it
  std::array<std::string_view, 4> begins_with = {};  // known by these bytes, where there is no `sniff`
  bool (*sniff)(const ByteStore& store, std::string_view file_name) = nullptr;
  model::Catalog (*decode)(const ByteStore& store, const Limits& limits) = nullptr;  // null: not read
  const model::Encoder* encoder = nullptr;                                           // null: neither written nor grown
  bool is_written = false;                                                           // new files of it can be asked for
};

// The format of a store, by content. Throws unsupported, naming formats that are known but not read.
const Format& detect(const ByteStore& store, std::string_view file_name);
// The format to write, by its name with or without "zt-"; "" is the one that is written by default. Throws usage.
const Format& find_writable(std::string_view name);
// The encoder of a source's format, by its name; null where we only read.
const model::Encoder* find_encoder(std::string_view format);
// Whether a source of this format is of another than a .zt generation.
bool is_foreign(std::string_view format);
// Throws usage unless some source may have this format, by its name with or without "zt-".
void check_format_name(std::string_view name);
// The format of a new file: the one that is named, else the one whose suffix the path has, else the default. Throws usage
// where a suffix is that of another format than the one that is named, or of one that is not written.
const Format& find_target(std::string_view name, std::string_view path);

}  // namespace zt::source
