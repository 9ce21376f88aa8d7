#include "foreign/pickle/names.h"

#include <algorithm>

namespace zt::foreign::pickle {
namespace {

constexpr std::size_t kMostName = 1024;
constexpr std::size_t kNumberRoom = 24;  // for a number behind a name that was cut

// Cuts valid UTF-8 between two characters.
std::string_view cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  return text.substr(0, most);
}

}  // namespace

std::string Names::make(std::string_view path) {
  std::string name(path.size() > kMostName ? cut(path, kMostName - kNumberRoom) : path);
  std::ranges::replace(name, '\0', '_');
  if (name.empty()) name = "_";
  was_changed_ = name != path;
  while (true) {
    const auto [place, is_free] = used_.try_emplace(name, 1);
    if (is_free) return name;
    was_changed_ = true;
    name = std::string(cut(name, kMostName - kNumberRoom)) + "_" + std::to_string(++place->second);
  }
}

}  // namespace zt::foreign::pickle
