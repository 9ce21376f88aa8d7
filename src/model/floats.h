#pragma once

#include <cstdint>

#include "ztensor/dtype.h"

namespace zt::model {

// The value of one element, given its bits (those above its width are zero). Exact, but for integers of 64 bits, which
// are rounded; of a NaN only that it is one is kept. Not for complex dtypes, which are NaN here.
double value_of(DType dtype, std::uint64_t bits) noexcept;

}  // namespace zt::model
