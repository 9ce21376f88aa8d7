#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ztensor/tensor.h"

namespace zt {

// What the elements of one piece of a tensor changed to. Of float4, an element here is a byte with two of them.
struct Changes {
  std::uint64_t first = 0;                  // the flat index, row-major, of the first element of the piece
  std::uint64_t count = 0;                  // elements of the piece
  bool is_whole = false;                    // `elements` are all elements of the piece
  std::vector<std::uint32_t> indices = {};  // otherwise: of the changed elements, ascending, counted from `first`
  std::vector<std::byte> elements = {};     // new elements: one for each index, or all; little-endian
};
// Pieces of a tensor, for changes_of(). 0 if it has no elements. Throws usage for a tensor that is not stored as a delta.
[[nodiscard]] ZT_API std::size_t change_pieces(const Tensor& tensor);
// What one piece of a tensor changed since its base. Differences are read with the base; patches, whole pieces and
// pieces without changes are read without it, and so are not held against the digest of the result. Pieces of complex
// numbers are always whole, and read with it. Any thread. Throws usage as above and for a piece that there is not;
// otherwise as reading the tensor does.
[[nodiscard]] ZT_API Changes changes_of(const Tensor& tensor, std::size_t piece);

}  // namespace zt
