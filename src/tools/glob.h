#pragma once

#include <string_view>

namespace zt::tools {

// Whether all of `text` matches a shell pattern. * matches any run, ? one byte, [a-z] and [!a-z] one byte of a set, and
// \ the next byte literally. Dots and slashes are ordinary bytes. Takes linear memory, and at most quadratic time.
bool matches_glob(std::string_view pattern, std::string_view text);

}  // namespace zt::tools
