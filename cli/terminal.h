#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace zt {
class Value;
}

namespace cli {

// Thrown when whoever read standard output went away: there is nobody left to tell.
struct ClosedPipe {};

// To standard output, buffered. Both throw ClosedPipe, or zt::Error (io) when the disk is full.
void print(std::string_view text);
void flush_output();

// One line on standard error, "ztensor: note: ..." and "ztensor: error: ...", whatever is in `text`.
void print_note(std::string_view text);
void print_error(std::string_view text);

// `text` for a terminal: valid UTF-8 as it is; control and direction characters and stray bytes as \n, \x1b, \u202e.
std::string printable(std::string_view text);
// Columns that printable text fills: wide characters two, combining ones none.
std::size_t columns_of(std::string_view text);

// An attribute: text as it is, unless it reads as JSON and could be taken for another value; all else as JSON.
std::string attribute_text(const zt::Value& value);

std::string size_text(std::uint64_t bytes);                          // "999 B", "250.1 MB" (powers of 1000)
std::string rate_text(std::uint64_t bytes, double seconds);          // "595 MB/s"
std::string count_text(std::uint64_t count, std::string_view noun);  // "1 tensor", "148 tensors"

}  // namespace cli
