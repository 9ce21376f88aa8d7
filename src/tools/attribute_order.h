#pragma once

#include "ztensor/value.h"

// Files of generation 2 sort the keys of their attributes. Other formats keep the order, and so does a conversion through
// generation 2 (spec/zt-1.2.md, section 9).
namespace zt::tools {

// Whether a key is one of zTensor's own.
bool is_own(const Value& key);
// The attributes with the order of their keys, if sorting would change it.
Value::Map with_order(Value::Map attributes);
// The attributes in the order that with_order() kept, and without it.
Value::Map in_order(Value::Map attributes);

}  // namespace zt::tools
