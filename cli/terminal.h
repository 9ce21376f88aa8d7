#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace zt {
class Value;
}

namespace cli {

// Thrown when the reader of standard output is gone.
struct ClosedPipe {};

// Print to standard output, buffered. Both throw ClosedPipe, or zt::Error (io), for example if the disk is full.
void print(std::string_view text);
void flush_output();

// Print one line on standard error, "ztensor: note: ..." or "ztensor: error: ...".
void print_note(std::string_view text);
void print_error(std::string_view text);

// `text` for a terminal: writes control and direction characters and stray bytes as \n, \x1b, \u202e.
std::string printable(std::string_view text);
// The columns of printable text: two for a wide character, none for a combining one.
std::size_t columns_of(std::string_view text);

// An attribute as text. It is JSON, except that a text that cannot be read as JSON stays as it is.
std::string attribute_text(const zt::Value& value);

std::string size_text(std::uint64_t bytes);                          // "999 B", "250.1 MB" (powers of 1000)
std::string rate_text(std::uint64_t bytes, double seconds);          // "595 MB/s"
std::string left_text(double share, double seconds);                 // "2:05 left", of work that took so long so far
std::string count_text(std::uint64_t count, std::string_view noun);  // "1 tensor", "148 tensors"

}  // namespace cli
