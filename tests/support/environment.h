#pragma once

#include <cstdlib>
#include <string>

namespace zt::test {

// Sets a variable of the environment; without a value, removes it on Windows, and makes it empty elsewhere.
inline void set_environment(const char* name, const std::string& value) {
#ifdef _WIN32
  ::_putenv_s(name, value.c_str());
#else
  ::setenv(name, value.c_str(), 1);
#endif
}

}  // namespace zt::test
