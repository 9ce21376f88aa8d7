#pragma once

#include <string>

#include "ztensor/byte_store.h"

namespace zt::tools {

// What wraps a whole file, so that Python's readers see other bytes than these: "compressed with gzip". Empty where
// nothing does. Judged by the first bytes, as joblib.load() and torch.load() do, whatever the file's name. Throws io.
std::string find_wrapping(const ByteStore& store);

}  // namespace zt::tools
