#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "model/catalog.h"

namespace zt::model {

// How one format lays out a file: head, parts one after another, manifest, footer. Pure: it makes bytes and places, and
// never touches a target.
struct Encoder {
  std::string_view format;           // "zt-1.2"
  std::uint64_t alignment;           // of parts, unless the writer was asked for more
  std::uint64_t manifest_alignment;  // 1: the manifest follows the last part directly
  bool decoded_digests;              // digests are over decoded bytes, not over stored ones
  std::vector<std::byte> (*head)();
  // The stored type and the logical type ("" for none) of a dtype, as the format spells them.
  std::string_view (*storage)(DType dtype);
  std::string_view (*logical)(DType dtype);
  std::vector<std::byte> (*manifest)(const Catalog& catalog);
  // What ends the file, right behind the manifest at `offset`.
  std::vector<std::byte> (*footer)(std::uint64_t offset, std::span<const std::byte> manifest);
};

}  // namespace zt::model
