#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "model/encoder.h"
#include "write/part_writer.h"
#include "ztensor/options.h"

namespace zt::write {

// What a Writer writes: a format, and what the options mean for it.
struct Form {
  const model::Encoder* encoder = nullptr;
  WriterOptions options = {};  // their alignment is never 0
  WriteMode mode = WriteMode::replace;
  bool canonical = false;

  // How a part is stored for which `add` is asked. Throws usage.
  PartOptions part_options(const AddOptions& add = {}) const;
  // As the format stores them. Throws usage, unsupported.
  std::vector<std::byte> attributes_of(const Value& attributes, bool of_file) const;
};

// The form of a new file. `path` is empty where it is no file on disk. Throws usage for options that contradict themselves
// or the format.
Form form_of_new(const WriterOptions& options, const std::filesystem::path& path, WriteMode mode = WriteMode::replace);
// The form of a file that grows, which has an alignment.
Form form_of_present(const WriterOptions& options, const model::Encoder& encoder, std::uint64_t alignment);
// Throws usage for a level that the codec does not have.
void check_level(Encoding encoding);
// What parts have where nobody asks for another.
Checksum default_checksum(const model::Encoder& encoder);

}  // namespace zt::write
