#pragma once

#include <string_view>

namespace zt {

// How a file is compressed as a whole, and what undoes it.
struct Compression {
  std::string_view magic;
  std::string_view name;
  std::string_view tool;
  bool is_certain = true;  // else a file of another kind may well begin so
};

// By the first bytes of a file; 6 suffice. Null: none that is known.
const Compression* find_compression(std::string_view head);

}  // namespace zt
