#include "ztensor/paths.h"

namespace zt {

std::string utf8_of(const std::filesystem::path& path) { return path.native(); }

std::filesystem::path path_of(std::string_view utf8) { return utf8; }

}  // namespace zt
