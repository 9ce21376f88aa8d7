#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "foreign/onnx/fields.h"
#include "ztensor/dtype.h"

namespace zt::foreign::onnx {

// How a number of a typed field becomes an element.
enum class Range : std::uint8_t {
  natural,   // an unsigned number of the width of the element
  integer,   // a signed number
  bits,      // the bits of the element, as an unsigned number or with its highest bit extended
  boolean,   // 0 or 1
  verbatim,  // the bytes of a fixed number
  none
};

// A type of TensorProto.DataType.
struct Type {
  std::uint64_t number;
  std::string_view word;       // as onnx.proto has it
  std::optional<DType> dtype;  // none: we have no such dtype
  unsigned bits;               // of an element; 0: strings
  std::uint32_t field;         // where its numbers are, if they are not raw
  Range range;
  unsigned bytes;  // of the element or elements that one number of the field gives
  std::string_view layout = "dense";
};

// clang-format off
inline constexpr auto kTypes = std::to_array<Type>({
    {1, "FLOAT", DType::f32, 32, tensor_field::kFloatData, Range::verbatim, 4},
    {2, "UINT8", DType::u8, 8, tensor_field::kInt32Data, Range::natural, 1},
    {3, "INT8", DType::i8, 8, tensor_field::kInt32Data, Range::integer, 1},
    {4, "UINT16", DType::u16, 16, tensor_field::kInt32Data, Range::natural, 2},
    {5, "INT16", DType::i16, 16, tensor_field::kInt32Data, Range::integer, 2},
    {6, "INT32", DType::i32, 32, tensor_field::kInt32Data, Range::bits, 4},
    {7, "INT64", DType::i64, 64, tensor_field::kInt64Data, Range::bits, 8},
    {8, "STRING", {}, 0, tensor_field::kStringData, Range::none, 0},
    {9, "BOOL", DType::boolean, 8, tensor_field::kInt32Data, Range::boolean, 1},
    {10, "FLOAT16", DType::f16, 16, tensor_field::kInt32Data, Range::bits, 2},
    {11, "DOUBLE", DType::f64, 64, tensor_field::kDoubleData, Range::verbatim, 8},
    {12, "UINT32", DType::u32, 32, tensor_field::kUint64Data, Range::natural, 4},
    {13, "UINT64", DType::u64, 64, tensor_field::kUint64Data, Range::natural, 8},
    {14, "COMPLEX64", DType::complex64, 64, tensor_field::kFloatData, Range::verbatim, 4},
    {15, "COMPLEX128", DType::complex128, 128, tensor_field::kDoubleData, Range::verbatim, 8},
    {16, "BFLOAT16", DType::bf16, 16, tensor_field::kInt32Data, Range::bits, 2},
    {17, "FLOAT8E4M3FN", DType::f8_e4m3fn, 8, tensor_field::kInt32Data, Range::bits, 1},
    {18, "FLOAT8E4M3FNUZ", DType::f8_e4m3fnuz, 8, tensor_field::kInt32Data, Range::bits, 1},
    {19, "FLOAT8E5M2", DType::f8_e5m2, 8, tensor_field::kInt32Data, Range::bits, 1},
    {20, "FLOAT8E5M2FNUZ", DType::f8_e5m2fnuz, 8, tensor_field::kInt32Data, Range::bits, 1},
    {21, "UINT4", {}, 4, tensor_field::kInt32Data, Range::bits, 1, "onnx.uint4/1"},
    {22, "INT4", {}, 4, tensor_field::kInt32Data, Range::bits, 1, "onnx.int4/1"},
    {23, "FLOAT4E2M1", DType::f4_e2m1, 4, tensor_field::kInt32Data, Range::bits, 1},
    {24, "FLOAT8E8M0", DType::f8_e8m0, 8, tensor_field::kInt32Data, Range::bits, 1},
    {25, "UINT2", {}, 2, tensor_field::kInt32Data, Range::bits, 1, "onnx.uint2/1"},
    {26, "INT2", {}, 2, tensor_field::kInt32Data, Range::bits, 1, "onnx.int2/1"},
});
// clang-format on

inline const Type* find_type(std::uint64_t number) {
  return number >= 1 && number <= kTypes.size() ? &kTypes[static_cast<std::size_t>(number - 1)] : nullptr;
}

}  // namespace zt::foreign::onnx
