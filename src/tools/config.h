#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ztensor/value.h"

namespace zt::tools {

// The JSON files beside a model, by name, such as config.json: files of at most 1 MiB, except indexes of shards. `path`
// is the folder of the model or a file in it. A file that is no JSON goes to `notes`. Throws io.
Value::Map config_beside(const std::filesystem::path& path, std::vector<std::string>& notes);

}  // namespace zt::tools
