#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "model/encoder.h"
#include "write/part_writer.h"
#include "ztensor/options.h"

namespace zt::write {

// A format, and the options of a Writer as this format takes them.
struct Form {
  const model::Encoder* encoder = nullptr;
  WriterOptions options = {};  // alignment is never 0
  WriteMode mode = WriteMode::replace;
  bool canonical = false;

  // How to store a part that is added with `add`. Throws usage.
  PartOptions part_options(const AddOptions& add = {}) const;
  // The attributes as the format stores them. Throws usage, unsupported.
  std::vector<std::byte> attributes_of(const Value& attributes, bool of_file) const;
};

// The form of a new file. `path` is empty unless the file is on disk. Throws usage for options that contradict each
// other or the format.
Form form_of_new(const WriterOptions& options, const std::filesystem::path& path, WriteMode mode = WriteMode::replace);
// The form of a file that grows. It keeps the file's alignment.
Form form_of_present(const WriterOptions& options, const model::Encoder& encoder, std::uint64_t alignment);
// Throws usage for a level that the codec does not have.
void check_level(Encoding encoding);
// The checksum of parts if the caller does not choose one.
Checksum default_checksum(const model::Encoder& encoder);

}  // namespace zt::write
