#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace zt {

// Whether the bytes are UTF-8: no overlong form, no surrogate, nothing past U+10FFFF.
bool is_utf8(std::string_view text) noexcept;

inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline std::span<const std::byte> as_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// `text` as a message shows it: quoted, cut after about 100 bytes, control characters escaped.
std::string in_quotes(std::string_view text);

}  // namespace zt
