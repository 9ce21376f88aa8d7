#pragma once

#include <string_view>

namespace zt::tools {

// Whether `text` matches a shell pattern, whole: * any run, ? one byte, [a-z] and [!a-z] one of a set, \ the next as
// it is. Dots and slashes are like other bytes. Linear memory, at most quadratic time.
bool matches_glob(std::string_view pattern, std::string_view text);

}  // namespace zt::tools
