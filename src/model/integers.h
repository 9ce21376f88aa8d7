#pragma once

#include "ztensor/dtype.h"

namespace zt::model {

// The bytes of an integer dtype; 0 for any other dtype, and for bool.
constexpr unsigned integer_bytes(DType dtype) noexcept {
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

}  // namespace zt::model
