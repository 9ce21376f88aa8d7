#pragma once

#include <array>
#include <span>
#include <string_view>

#include "model/catalog.h"
#include "model/encoder.h"
#include "ztensor/byte_store.h"
#include "ztensor/limits.h"

namespace zt::source {

// One known format, whether this build reads it or not. A new format needs only a row: a generation of
// .zt in formats.cc, a format of others in foreign_formats.cc and, so that builds without them know it, in
// foreign_formats_absent.cc.
struct Format {
  std::string_view name;                             // as users type it; for .zt also without "zt-"
  std::string_view title;                            // for errors: "a GGUF file"
  std::array<std::string_view, 4> suffixes = {};     // of file names that imply the format
  std::array<std::string_view, 4> begins_with = {};  // first bytes that show the format if it has no `sniff`
  bool (*sniff)(const ByteStore& store, std::string_view file_name) = nullptr;
  model::Catalog (*decode)(const ByteStore& store, const Limits& limits) = nullptr;  // null: cannot be read
  const model::Encoder* encoder = nullptr;  // null: can neither be written nor grow
  bool is_written = false;                  // users can write new files of it
  std::string_view hint = {};               // for a format that cannot be read here: what to do
  bool holds_more = false;                  // than tensors and attributes: a graph, code, objects
  bool may_be_text = false;                 // its name counts even where the content is text
};

// Only the Python package reads it.
inline constexpr Format kHdf5 = {
    .name = "hdf5",
    .title = "an HDF5 file",
    .suffixes = {".h5", ".hdf5"},
    .begins_with = {"\x89HDF\r\n\x1a\n"},
    .hint = "only the Python package reads it, by ztensor.open() and ztensor.convert(): pip install 'ztensor[hdf5]'"};

// The formats of others, in the order of detection.
std::span<const Format> foreign_formats();
// What can be opened, for an error: "a .zt file of any generation, or ...".
std::string_view expected_files();

// The format of a store, judged by its content. Throws unsupported, with the name of a known format that cannot be
// read.
const Format& detect(const ByteStore& store, std::string_view file_name);
// The format to write, named with or without "zt-"; "" means the default. Throws usage.
const Format& find_writable(std::string_view name);
// The encoder of a source's format; null if the format can only be read.
const model::Encoder* find_encoder(std::string_view format);
// Whether a source's format is other than a .zt generation.
bool is_foreign(std::string_view format);
// Whether files of a source's format hold more than a source shows of them.
bool holds_more(std::string_view format);
// Throws usage unless a source can have this format, named with or without "zt-".
void check_format_name(std::string_view name);
// The format of a new file: the named one, else the one of the path's suffix, else the default. Throws usage if the
// suffix belongs to another format than the named one, or to a format that cannot be written.
const Format& find_target(std::string_view name, std::string_view path);

}  // namespace zt::source
