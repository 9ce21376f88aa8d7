#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include "run/library.h"

#include <windows.h>

#include <filesystem>

#include "ztensor/paths.h"

namespace zt::run {
namespace {

// A bare name is looked for in the system's folder alone: never beside the program or in the current folder.
HMODULE load(const std::string& name) noexcept {
  try {
    const bool bare = name.find_first_of("/\\") == std::string::npos;
    return LoadLibraryExW(path_of(name).c_str(), nullptr, bare ? LOAD_LIBRARY_SEARCH_SYSTEM32 : 0);
  } catch (...) {
    return nullptr;
  }
}

}  // namespace

Library::Library(const std::string& name) noexcept : handle_(load(name)) {}

void* Library::symbol(const char* name) const noexcept {
  if (handle_ == nullptr) return nullptr;
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(handle_), name));
}

}  // namespace zt::run
