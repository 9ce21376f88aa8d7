#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ztensor/value.h"

namespace zt::tools {

// The JSON files of a folder, by name, such as config.json: files of at most 1 MiB, and of 16 MiB together, except
// indexes of shards. A file that is no JSON, or too much, goes to `notes`. Throws io.
Value::Map config_beside(const std::filesystem::path& folder, std::vector<std::string>& notes);
// The folder of a model: `path` itself, or the folder of the file `path`.
std::filesystem::path folder_of(const std::filesystem::path& path);

}  // namespace zt::tools
