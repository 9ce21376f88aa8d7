#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace zt::tools {

// A line for each base that tensors of the file at `path` are deltas over and that readers will not find by themselves.
// Opens the file. Throws as open().
std::vector<std::string> base_notes(const std::filesystem::path& path);

}  // namespace zt::tools
