#pragma once

#include <filesystem>
#include <optional>

#include "ztensor/options.h"
#include "ztensor/source.h"

namespace zt::source {

// A model in several files, as one source: `path` is a folder, an index of shards, or one file of a split GGUF model.
// Empty for any other path. The shards' indexes are read now, and their tensors when they are used. Throws what open()
// throws; usage if a folder holds no model, or several; io (ENOENT) for a shard that is missing; malformed "index.*".
std::optional<Source> open_repository(const std::filesystem::path& path, const OpenOptions& options);

}  // namespace zt::source
