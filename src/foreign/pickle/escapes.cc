#include "foreign/pickle/escapes.h"

namespace zt::foreign::pickle {
namespace {

std::optional<std::uint32_t> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint32_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint32_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint32_t>(c - 'A' + 10);
  return std::nullopt;
}

// Removes `count` hexadecimal digits from the front.
std::optional<std::uint32_t> take_hex(std::string_view& rest, std::size_t count) {
  if (rest.size() < count) return std::nullopt;
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto digit = hex_digit(rest[i]);
    if (!digit) return std::nullopt;
    number = number << 4 | *digit;
  }
  rest.remove_prefix(count);
  return number;
}

// Removes up to three octal digits from the front.
char take_octal(std::string_view& rest) {
  unsigned number = 0;
  for (int i = 0; i < 3 && !rest.empty() && rest[0] >= '0' && rest[0] <= '7'; ++i) {
    number = number << 3 | static_cast<unsigned>(rest[0] - '0');
    rest.remove_prefix(1);
  }
  return static_cast<char>(number & 0xFF);
}

// Appends what stands behind a backslash, and removes it from the front.
bool append_escape(std::string& out, std::string_view& rest) {
  constexpr std::string_view kLetters = "\\'\"abfnrtv\n";
  constexpr std::string_view kMeanings = "\\'\"\a\b\f\n\r\t\v";
  const char letter = rest[0];
  if (letter >= '0' && letter <= '7') {
    out += take_octal(rest);
    return true;
  }
  rest.remove_prefix(1);
  if (letter == 'x') {
    const auto byte = take_hex(rest, 2);
    if (byte) out += static_cast<char>(*byte);
    return byte.has_value();
  }
  const std::size_t at = kLetters.find(letter);
  if (at == std::string_view::npos) {
    out += '\\';  // Python keeps an escape that it does not know
    out += letter;
  } else if (at < kMeanings.size()) {
    out += kMeanings[at];
  }
  return true;
}

}  // namespace

void append_utf8(std::string& out, std::uint32_t code) {
  const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80 | (code >> shift & 0x3F)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

std::optional<std::string> decode_unicode(std::string_view line) {
  std::string out;
  out.reserve(line.size());
  while (!line.empty()) {
    const char c = line[0];
    line.remove_prefix(1);
    if (c != '\\' || line.empty()) {
      append_utf8(out, static_cast<std::uint8_t>(c));
      continue;
    }
    const char kind = line[0];
    line.remove_prefix(1);
    if (kind != 'u' && kind != 'U') {
      out += '\\';
      append_utf8(out, static_cast<std::uint8_t>(kind));
      continue;
    }
    const auto code = take_hex(line, kind == 'u' ? 4 : 8);
    if (!code || *code > 0x10FFFF) return std::nullopt;
    append_utf8(out, *code);
  }
  return out;
}

bool narrow(std::string& text) {
  std::size_t out = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto code = static_cast<std::uint8_t>(text[i]);
    if (code >= 0x80) {
      const bool is_pair = (code == 0xC2 || code == 0xC3) && i + 1 < text.size();
      if (!is_pair || (static_cast<std::uint8_t>(text[i + 1]) & 0xC0) != 0x80) return false;
      code = static_cast<std::uint8_t>(code << 6 | (static_cast<std::uint8_t>(text[++i]) & 0x3F));
    }
    text[out++] = static_cast<char>(code);
  }
  text.resize(out);
  return true;
}

std::optional<std::string> decode_quoted(std::string_view content) {
  std::string out;
  out.reserve(content.size());
  while (!content.empty()) {
    const char c = content[0];
    content.remove_prefix(1);
    if (c != '\\') {
      out += c;
    } else if (content.empty() || !append_escape(out, content)) {
      return std::nullopt;
    }
  }
  return out;
}

std::optional<std::string_view> unquote(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  const bool quoted = line.size() >= 2 && line.front() == line.back() && (line.front() == '\'' || line.front() == '"');
  if (!quoted) return std::nullopt;
  return line.substr(1, line.size() - 2);
}

}  // namespace zt::foreign::pickle
