#include "terminal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <iterator>

#include "ztensor/error.h"
#include "ztensor/info.h"
#include "ztensor/value.h"

namespace cli {
namespace {

constexpr char32_t kStray = 0xffffffff;  // a byte that begins no character

struct Character {
  char32_t code;
  std::size_t length;  // bytes
};

struct Range {
  char32_t first, last;
};

template <std::size_t N>
bool within(const Range (&ranges)[N], char32_t code) {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [code](Range range) { return code >= range.first && code <= range.last; });
}

// Characters that move the cursor, start an escape sequence or change the direction of text.
constexpr Range kUnsafe[] = {{0x00, 0x1f},     {0x7f, 0x9f},     {0x61c, 0x61c},   {0x200e, 0x200f},
                             {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}};
constexpr Range kNarrow[] = {{0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x64b, 0x65f},
                             {0x200b, 0x200d}, {0x20d0, 0x20f0}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};
constexpr Range kWide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xac00, 0xd7a3},
                           {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
                           {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};

// The first character of `text`, which is not empty.
Character first_character(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1};
  const std::size_t length = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < length) return {kStray, 1};
  char32_t code = byte(0) & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return {kStray, 1};
    code = (code << 6) | (byte(i) & 0x3fU);
  }
  const bool too_long = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (too_long || surrogate || code > 0x10ffff) return {kStray, 1};
  return {code, length};
}

std::string escaped(char32_t code) {
  if (code == '\n') return "\\n";
  if (code == '\r') return "\\r";
  if (code == '\t') return "\\t";
  const auto number = static_cast<std::uint32_t>(code);
  return number < 0x80 ? fmt::format("\\x{:02x}", number) : fmt::format("\\u{:04x}", number);
}

[[noreturn]] void throw_write_error(int error) {
  if (error == EPIPE) throw ClosedPipe{};
  throw zt::Error::system(error, "", "cannot write to standard output");
}

void print_line(std::string_view kind, std::string_view text) {
  // One write, so that lines of several programs on a terminal do not mix.
  const std::string line = fmt::format("ztensor: {}: {}\n", kind, printable(text));
  std::fwrite(line.data(), 1, line.size(), stderr);
}

constexpr std::string_view kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};

}  // namespace

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) throw_write_error(errno);
}

void flush_output() {
  if (std::fflush(stdout) != 0) throw_write_error(errno);
}

void print_note(std::string_view text) { print_line("note", text); }
void print_error(std::string_view text) { print_line("error", text); }

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Character character = first_character(text);
    if (character.code == kStray) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
    } else if (within(kUnsafe, character.code)) {
      out += escaped(character.code);
    } else {
      out += text.substr(0, character.length);
    }
    text.remove_prefix(character.length);
  }
  return out;
}

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const Character character = first_character(text);
    if (!within(kNarrow, character.code)) columns += within(kWide, character.code) ? 2U : 1U;
    text.remove_prefix(character.length);
  }
  return columns;
}

std::string size_text(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 999.95; ++unit) value /= 1000;  // 999.95 would print as 1000.0
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string rate_text(std::uint64_t bytes, double seconds) {
  double value = static_cast<double>(bytes) / std::max(seconds, 1e-6);
  std::size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
  return fmt::format("{:.3g} {}/s", value, kUnits[unit]);
}

std::string left_text(double share, double seconds) {
  if (!(share > 0)) return "";
  const double left = std::ceil(seconds * (1 - share) / share);
  if (!(left < 360'000)) return "";  // a hundred hours: it only begins
  const auto whole = static_cast<std::uint64_t>(left);
  const std::uint64_t hours = whole / 3600, minutes = whole / 60 % 60;
  const std::string end = fmt::format("{:02}:{:02} left", minutes, whole % 60);
  return hours > 0 ? fmt::format("{}:{}", hours, end) : end.substr(minutes < 10 ? 1 : 0);
}

std::string count_text(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string attribute_text(const zt::Value& value) {
  const std::string* text = value.text();
  if (text == nullptr || text->empty()) return printable(zt::json_value(value));
  try {
    static_cast<void>(zt::json_parse(*text));
  } catch (const zt::Error&) {
    return printable(*text);
  }
  return printable(zt::json_value(value));
}

}  // namespace cli
