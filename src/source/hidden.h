#pragma once

#include <string_view>

#include "ztensor/value.h"

// What this library notes among the attributes of a tensor. Users see their own attributes alone: a hidden one is no
// part of what diff and id compare, stays with its tensor when others are set, and is left out in silence by a format
// that has no attributes of tensors.
namespace zt::source {

// "array": SciPy's sparse arrays and sparse matrices multiply in different ways, and this was an array.
inline constexpr std::string_view kScipyKey = "ztensor.scipy";

bool is_hidden(const Value& key);
// The attributes that are the user's; null where no other is there.
Value without_hidden(const Value& attributes);
// `attributes`, and of the hidden ones those that `from` has and they have not.
Value with_hidden_of(const Value& from, const Value& attributes);

}  // namespace zt::source
