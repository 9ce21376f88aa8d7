#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "ztensor/dtype.h"

namespace zt::foreign::safetensors {

inline constexpr std::uint64_t kMostHeader = 100'000'000;  // the bound of the reference
inline constexpr std::size_t kPrefix = 8;  // the length of the header, as u64; the header fills a multiple of it
inline constexpr std::string_view kMetadata = "__metadata__";  // the one member of a header that is not a tensor

// The meaning of a dtype's tag. `bits` is 0 if we do not know the size. Tensors of a file are written in the order of
// `place`, and then of their names. So elements of 8 bytes come first, and all are aligned.
struct Type {
  std::string_view tag;
  unsigned bits;
  std::optional<DType> dtype;
  unsigned place;
};

// The most frequent tags come first, because a decoder looks for the tag of every tensor.
inline constexpr std::array<Type, 22> kTypes = {{
    {"F32", 32, DType::f32, 4},
    {"BF16", 16, DType::bf16, 7},
    {"F16", 16, DType::f16, 8},
    {"I64", 64, DType::i64, 1},
    {"I32", 32, DType::i32, 6},
    {"U8", 8, DType::u8, 17},
    {"I8", 8, DType::i8, 16},
    {"BOOL", 8, DType::boolean, 21},
    {"F64", 64, DType::f64, 2},
    {"I16", 16, DType::i16, 10},
    {"U16", 16, DType::u16, 9},
    {"U32", 32, DType::u32, 5},
    {"U64", 64, DType::u64, 0},
    {"F8_E4M3", 8, DType::f8_e4m3fn, 14},
    {"F8_E5M2", 8, DType::f8_e5m2, 15},
    {"F8_E8M0", 8, DType::f8_e8m0, 13},
    {"F4", 4, DType::f4_e2m1, 20},
    {"C64", 64, DType::complex64, 3},
    {"F8_E4M3FNUZ", 8, DType::f8_e4m3fnuz, 12},
    {"F8_E5M2FNUZ", 8, DType::f8_e5m2fnuz, 11},
    {"F6_E2M3", 6, {}, 19},
    {"F6_E3M2", 6, {}, 18},
}};

}  // namespace zt::foreign::safetensors
