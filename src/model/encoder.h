#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "model/catalog.h"

namespace zt::model {

// How one format lays out a file: head, parts one after another, tail. Pure: it makes bytes and places, and never
// touches a target.
struct Encoder {
  std::uint64_t alignment;  // of parts, unless the writer was asked for more
  std::vector<std::byte> (*head)();
  // The stored type and the logical type ("" for none) of a dtype, as the format spells them.
  std::string_view (*storage)(DType dtype);
  std::string_view (*logical)(DType dtype);
  // What ends the file: the index over all that lies before `end`.
  std::vector<std::byte> (*tail)(const Catalog& catalog, std::uint64_t end);
};

}  // namespace zt::model
