#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace zt {

// "1 tensor", "148 tensors": a count and what is counted, as a message shows them. `plural`: where it is not `noun`
// with an "s".
inline std::string count_text(std::uint64_t count, std::string_view noun, std::string_view plural = {}) {
  std::string text = std::to_string(count) + ' ';
  if (count == 1) return text.append(noun);
  return plural.empty() ? text.append(noun) + 's' : text.append(plural);
}

}  // namespace zt
