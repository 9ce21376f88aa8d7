#include "run/library.h"

#include <dlfcn.h>

namespace zt::run {

Library::Library(const std::string& name) noexcept : handle_(dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL)) {}

void* Library::symbol(const char* name) const noexcept { return handle_ == nullptr ? nullptr : dlsym(handle_, name); }

}  // namespace zt::run
