#include "base/utf8.h"
#include "ztensor/error.h"
#include "ztensor/paths.h"

namespace zt {

std::string utf8_of(const std::filesystem::path& path) {
  std::wstring text = path.native();
  const auto is_high = [](wchar_t c) { return c >= 0xD800 && c < 0xDC00; };
  const auto is_low = [](wchar_t c) { return c >= 0xDC00 && c < 0xE000; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_high(text[i]) && i + 1 < text.size() && is_low(text[i + 1])) {
      ++i;
    } else if (is_high(text[i]) || is_low(text[i])) {
      text[i] = 0xFFFD;
    }
  }
  const std::u8string utf8 = std::filesystem::path(text).u8string();
  return {reinterpret_cast<const char*>(utf8.data()), utf8.size()};
}

std::filesystem::path path_of(std::string_view utf8) {
  if (!is_utf8(utf8)) throw Error(Code::usage, "", "the path " + in_quotes(utf8) + " is not UTF-8");
  return std::u8string_view(reinterpret_cast<const char8_t*>(utf8.data()), utf8.size());
}

}  // namespace zt
