#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ztensor/dtype.h"

// The index parts of sparse tensors, whose width is the file's choice.
namespace zt::library {

// Bytes of an index dtype, or 0 when it is none.
constexpr unsigned index_bytes(DType dtype) noexcept {
  switch (dtype) {
    case DType::i64:
    case DType::u64: return 8;
    case DType::i32:
    case DType::u32: return 4;
    case DType::i16:
    case DType::u16: return 2;
    case DType::i8:
    case DType::u8: return 1;
    default: return 0;
  }
}

constexpr bool is_signed(DType dtype) noexcept {
  return dtype == DType::i64 || dtype == DType::i32 || dtype == DType::i16 || dtype == DType::i8;
}

// Zeros in front, also of a negative one.
inline std::uint64_t load_index(const std::byte* at, unsigned bytes) noexcept {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i) value |= static_cast<std::uint64_t>(at[i]) << (8 * i);
  return value;
}

// Whether a part holds indices of a layout that the library knows, in a dtype that they may have.
inline bool is_index_part(std::string_view layout, std::string_view role, DType dtype) noexcept {
  const bool csr = layout == "sparse_csr" && (role == "indices" || role == "indptr");
  return (csr || (layout == "sparse_coo" && role == "coords")) && index_bytes(dtype) != 0;
}

}  // namespace zt::library
