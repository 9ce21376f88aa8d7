#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ztensor/dtype.h"

// What the generations share beneath their schemas.
namespace zt::container {

// The word a generation stores for a dtype, and the logical type over it ("" for none).
struct TypeWords {
  std::string_view storage;
  std::string_view logical;
};
TypeWords type_words(DType dtype);

// The dtype of a stored type by the long name that 0.1 and 1.0 have for it ("float32"); empty when unknown.
std::optional<DType> find_long_storage(std::string_view word);
// The dtype of a stored type by its short name ("f32"); empty when unknown.
std::optional<DType> find_storage(std::string_view word);
// The dtype that a logical type names over that storage (spec/zt-1.2.md §5). Unknown logical types are `unknown`;
// a known one over another storage is `wrong`.
enum class Logical { ok, unknown, wrong };
struct LogicalType {
  Logical verdict;
  DType dtype;
};
LogicalType find_logical(std::string_view word, DType storage);

}  // namespace zt::container
