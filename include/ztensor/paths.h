#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace zt {

// A path as UTF-8, as errors and notes show it, and back. On Linux and macOS a path is bytes, which are taken as they are.
// On Windows it is UTF-16; std::filesystem itself would convert with the code page of the system.
inline std::string utf8_of(const std::filesystem::path& path) {
#ifdef _WIN32
  const std::u8string text = path.u8string();
  return {reinterpret_cast<const char*>(text.data()), text.size()};
#else
  return path.native();
#endif
}

inline std::filesystem::path path_of(std::string_view utf8) {
#ifdef _WIN32
  return std::u8string_view(reinterpret_cast<const char8_t*>(utf8.data()), utf8.size());
#else
  return utf8;
#endif
}

}  // namespace zt
