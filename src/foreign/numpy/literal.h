#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace zt::foreign::numpy {

// Reads the Python literals of a header, token by token. White space before a token is skipped. Throws malformed
// "npy.header.form", "npy.shape.form" and limit "npy.shape.rank".
class Literal {
 public:
  explicit Literal(std::string_view text) : text_(text) {}

  bool take(char mark);  // takes the mark if it is next
  void expect(char mark);
  bool at_string();
  // The text between quotes as it is written, with its backslashes.
  std::string_view string();
  bool boolean();
  // A tuple of numbers, of at most `most` numbers.
  void shape(std::vector<std::uint64_t>& out, std::size_t most);
  // Skips a list or a tuple, however nested, and returns the bracket that begins it.
  char skip_nested();
  void finish();  // nothing but white space is left

 private:
  void skip_space();
  std::uint64_t number();
  [[noreturn]] void refuse(std::string_view wanted) const;

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace zt::foreign::numpy
