#pragma once

#include <string_view>

#include "ztensor/value.h"

// Hidden attributes: notes that this library keeps among the attributes of a tensor. Users see only their own
// attributes. diff and id ignore a hidden attribute. It stays when the user sets others, and a format without
// attributes of tensors drops it silently.
namespace zt::source {

// "array": the tensor was a SciPy sparse array. Sparse arrays and sparse matrices multiply differently.
inline constexpr std::string_view kScipyKey = "ztensor.scipy";

bool is_hidden(const Value& key);
// The attributes of the user; null if there are none.
Value without_hidden(const Value& attributes);
// `attributes`, and those hidden attributes of `from` that `attributes` lacks.
Value with_hidden_of(const Value& from, const Value& attributes);

}  // namespace zt::source
