#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "io/file.h"

namespace zt::io {

// How to keep a path below its folder.
enum class Walk : std::uint8_t {
  kernel,     // openat2(), and component by component where the system lacks it
  components  // always component by component
};

// Opens the file that another file names. `relative` has plain names joined by '/': neither "." nor "..", and none is
// empty. No link below `folder` is followed, except that of a download cache: `snapshots/<revision>/.../file` may be a
// link to `blobs/<hash>` beside `snapshots`. Throws io (ENOENT, ...); refused "external.link" for another link,
// "external.regular" for a folder, FIFO or device, and for a file with further names (hard links), "external.self" for
// the file `by` itself.
std::shared_ptr<const File> open_beneath(const std::filesystem::path& folder, std::string_view relative, Identity by,
                                         Walk walk = Walk::kernel);

}  // namespace zt::io
