#pragma once

#include <string_view>

namespace zt::foreign::pickle {

// What Python 3 imports for a name of Python 2, in pickles of protocols 0 to 2. Empty: the name has no other.
struct Renamed {
  std::string_view module = {};
  std::string_view name = {};
};
Renamed find_renamed(std::string_view module, std::string_view name);

}  // namespace zt::foreign::pickle
