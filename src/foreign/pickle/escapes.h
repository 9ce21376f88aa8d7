#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zt::foreign::pickle {

// Appends a code point in UTF-8. Surrogates get three bytes, which are not valid UTF-8.
void append_utf8(std::string& out, std::uint32_t code);
// Decodes "raw-unicode-escape": Latin-1 with \uXXXX and \UXXXXXXXX. The result is UTF-8, except for surrogates. Empty
// where an escape is broken.
std::optional<std::string> decode_unicode(std::string_view line);
// Turns UTF-8 in place into one byte for each code point. False where one is over U+00FF, or the text is not UTF-8.
bool narrow(std::string& text);
// Decodes the escapes of a Python string without its quotes. Empty where an escape is broken.
std::optional<std::string> decode_quoted(std::string_view content);
// The content of a quoted string. Empty if there are no quotes around it.
std::optional<std::string_view> unquote(std::string_view line);

}  // namespace zt::foreign::pickle
