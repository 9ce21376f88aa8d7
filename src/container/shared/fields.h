#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ztensor/dtype.h"

// Words and checks that the generations share.
namespace zt::container {

// The word that a file has for the stored type of a dtype, and its logical type ("" for none).
struct TypeWords {
  std::string_view storage;
  std::string_view logical;
};
TypeWords type_words(DType dtype);

// The dtype of a stored type by its long name in 0.1 and 1.0 ("float32"); empty if unknown.
std::optional<DType> find_long_storage(std::string_view word);
// The dtype of a stored type by its short name ("f32"); empty if unknown.
std::optional<DType> find_storage(std::string_view word);
// The dtype of a logical type over a storage (spec/zt-1.2.md §5). `unknown`: we do not know the logical type; `wrong`:
// it needs another storage.
enum class Logical { ok, unknown, wrong };
struct LogicalType {
  Logical verdict;
  DType dtype;
};
LogicalType find_logical(std::string_view word, DType storage);

// Whether two keys are equal. Decoders compare keys all the time, and most differ in size or in the first letter.
inline bool same_key(std::string_view a, std::string_view b) {
  return a.size() == b.size() && !a.empty() && a[0] == b[0] && a == b;
}

}  // namespace zt::container
