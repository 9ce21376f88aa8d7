#include "posix_only.h"

#ifdef _WIN32

#include "io/file.h"
#include "io/publish.h"
#include "temp_dir.h"
#include "ztensor/error.h"

namespace zt::test {

bool replaces_open_files() {
  static const bool result = [] {
    const TempDir folder;
    write_file(folder / "f", "old");
    const auto open = io::File::open(folder / "f");
    try {
      io::Publication(folder / "f", {}).publish();
    } catch (const Error&) {
      return false;
    }
    return true;
  }();
  return result;
}

}  // namespace zt::test

#endif
