#pragma once

#include <memory>

#include "io/file.h"

namespace zt::source {

// A regular file that a caller has open, read by position: from any thread and process, wherever the caller's own offset
// is. A descriptor of our own, so that the caller may close theirs. Throws io.
inline std::shared_ptr<const ByteStore> store_of_descriptor(int descriptor) { return io::File::share(descriptor); }

}  // namespace zt::source
