#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "model/integers.h"

// The index parts of sparse tensors, whose width a file may choose.
namespace zt::source {

// Extends with zeros, even if the index is negative.
inline std::uint64_t load_index(const std::byte* at, unsigned bytes) noexcept {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i) value |= static_cast<std::uint64_t>(at[i]) << (8 * i);
  return value;
}

// Widens all whole indices of this dtype. `negative(i)` throws for a negative index.
template <class Negative>
std::vector<std::uint64_t> widen_indices(std::span<const std::byte> bytes, DType dtype, Negative&& negative) {
  const unsigned width = model::integer_bytes(dtype);
  std::vector<std::uint64_t> wide(bytes.size() / width);
  for (std::size_t i = 0; i < wide.size(); ++i) {
    wide[i] = load_index(bytes.data() + i * width, width);
    if (model::is_signed(dtype) && (wide[i] >> (8 * width - 1)) != 0) negative(i);
  }
  return wide;
}

// Whether a part holds indices of a known layout, in a dtype that is allowed for them.
inline bool is_index_part(std::string_view layout, std::string_view role, DType dtype) noexcept {
  const bool csr = layout == "sparse_csr" && (role == "indices" || role == "indptr");
  return (csr || (layout == "sparse_coo" && role == "coords")) && model::integer_bytes(dtype) != 0;
}

}  // namespace zt::source
