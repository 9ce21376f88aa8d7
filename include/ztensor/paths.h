#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "ztensor/macros.h"

namespace zt {

// A path as UTF-8, as errors and notes show it, and back. On Linux and macOS a path is bytes, which are taken as they are.
// On Windows it is UTF-16: half of a surrogate pair becomes U+FFFD, and path_of() throws usage for what is not UTF-8.
// std::filesystem itself would convert with the code page of the system.
[[nodiscard]] ZT_API std::string utf8_of(const std::filesystem::path& path);
[[nodiscard]] ZT_API std::filesystem::path path_of(std::string_view utf8);

}  // namespace zt
