#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace zt::foreign::pickle {

// Makes names that .zt allows, each once.
class Names {
 public:
  // The path itself if it can be a name and is free. Else the path changed as little as possible: see was_changed().
  std::string make(std::string_view path);
  bool was_changed() const noexcept { return was_changed_; }
  void reserve(std::string_view name) { used_.emplace(name, 1); }

 private:
  std::map<std::string, std::uint64_t, std::less<>> used_;  // and how often a number was added to each
  bool was_changed_ = false;
};

}  // namespace zt::foreign::pickle
