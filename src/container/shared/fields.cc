#include "container/shared/fields.h"

#include <array>

namespace zt::container {
namespace {

// Indexed by DType.
constexpr std::array<TypeWords, kDTypeCount> kWords = {{
    {"f64", ""},           {"f32", ""},         {"f16", ""},       {"bf16", ""},
    {"i64", ""},           {"i32", ""},         {"i16", ""},       {"i8", ""},
    {"u64", ""},           {"u32", ""},         {"u16", ""},       {"u8", ""},
    {"bool", ""},          {"u8", "f8_e4m3fn"}, {"u8", "f8_e5m2"}, {"u8", "f8_e4m3fnuz"},
    {"u8", "f8_e5m2fnuz"}, {"u8", "f8_e8m0"},   {"u8", "f4_e2m1"}, {"f32", "complex64"},
    {"f64", "complex128"},
}};

}  // namespace

TypeWords type_words(DType dtype) { return kWords[static_cast<std::size_t>(dtype)]; }

std::optional<DType> find_storage(std::string_view word) {
  for (std::size_t i = 0; i < kWords.size(); ++i) {
    if (kWords[i].logical.empty() && kWords[i].storage == word) return static_cast<DType>(i);
  }
  return std::nullopt;
}

std::optional<DType> find_long_storage(std::string_view word) {
  const auto dtype = find_dtype(word);  // the first generations have the same names as we
  if (!dtype || !type_words(*dtype).logical.empty()) return std::nullopt;
  return dtype;
}

LogicalType find_logical(std::string_view word, DType storage) {
  if (word.empty()) return {Logical::ok, storage};
  if (word == "bool") return {storage == DType::u8 ? Logical::ok : Logical::wrong, DType::boolean};
  for (std::size_t i = 0; i < kWords.size(); ++i) {
    if (kWords[i].logical != word) continue;
    const bool fits = kWords[i].storage == type_words(storage).storage;
    return {fits ? Logical::ok : Logical::wrong, static_cast<DType>(i)};
  }
  return {Logical::unknown, storage};
}

}  // namespace zt::container
