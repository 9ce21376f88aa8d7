#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "ztensor/options.h"
#include "ztensor/source.h"

namespace zt::source {

// The number of a file in a set such as `model-00002-of-00003.gguf`.
struct PartName {
  std::string stem;  // "model"
  unsigned number = 0;
  unsigned count = 0;
  std::string suffix;  // ".gguf"
};
std::optional<PartName> parse_part_name(std::string_view name);
std::string part_name(const PartName& part, unsigned number);

// A model in several files, as one source: `path` is a folder, an index of shards, or one file of a split GGUF model.
// Empty for any other path. The shards' indexes are read now, and their tensors when they are used. Throws what open()
// throws; usage if a folder holds no model, or several; io (ENOENT) for a shard that is missing; malformed "index.*".
std::optional<Source> open_repository(const std::filesystem::path& path, const OpenOptions& options);

}  // namespace zt::source
