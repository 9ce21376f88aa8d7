#pragma once

#include <gtest/gtest.h>

// Stands first in a test that needs what Windows lacks: the test is skipped there, and says why.
#ifdef _WIN32
#define ZT_POSIX_ONLY(what) GTEST_SKIP() << "Windows has no " what
#else
#define ZT_POSIX_ONLY(what) static_cast<void>(0)
#endif

// Stands first in a test that replaces or removes a file that is open. Windows can since version 10; wine cannot.
#define ZT_REPLACES_OPEN_FILES() \
  if (!::zt::test::replaces_open_files()) GTEST_SKIP() << "this system cannot replace a file that is open"

namespace zt::test {

#ifdef _WIN32
bool replaces_open_files();
#else
constexpr bool replaces_open_files() { return true; }
#endif

}  // namespace zt::test
