#include "ztensor/dtype.h"

#include <array>

#include "base/checked.h"
#include "model/recipe.h"

namespace zt {
namespace {

struct Row {
  std::string_view name;
  unsigned bits;
};

// Indexed by DType.
constexpr std::array<Row, kDTypeCount> kRows = {{
    {"float64", 64},        {"float32", 32},        {"float16", 16},       {"bfloat16", 16},     {"int64", 64},
    {"int32", 32},          {"int16", 16},          {"int8", 8},           {"uint64", 64},       {"uint32", 32},
    {"uint16", 16},         {"uint8", 8},           {"bool", 8},           {"float8_e4m3fn", 8}, {"float8_e5m2", 8},
    {"float8_e4m3fnuz", 8}, {"float8_e5m2fnuz", 8}, {"float8_e8m0fnu", 8}, {"float4_e2m1fn", 4}, {"complex64", 64},
    {"complex128", 128},
}};

}  // namespace

std::string_view dtype_name(DType dtype) noexcept { return kRows[static_cast<std::size_t>(dtype)].name; }

std::optional<DType> find_dtype(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].name == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

unsigned dtype_bits(DType dtype) noexcept { return kRows[static_cast<std::size_t>(dtype)].bits; }

std::optional<std::uint64_t> byte_length(DType dtype, std::uint64_t elements) noexcept {
  if (dtype == DType::f4_e2m1) return elements / 2 + elements % 2;
  return checked::multiply(elements, dtype_bits(dtype) / 8);
}

// Logical types are stored as other types: complex numbers as their two floats, small floats and bool as bytes.
ElementForm model::element_form(DType dtype) {
  switch (dtype) {
    case DType::f16:
    case DType::bf16: return ElementForm::float2;
    case DType::f32:
    case DType::complex64: return ElementForm::float4;
    case DType::f64:
    case DType::complex128: return ElementForm::float8;
    case DType::i16:
    case DType::u16: return ElementForm::bytes2;
    case DType::i32:
    case DType::u32: return ElementForm::bytes4;
    case DType::i64:
    case DType::u64: return ElementForm::bytes8;
    default: return ElementForm::bytes1;
  }
}

}  // namespace zt
