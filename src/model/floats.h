#pragma once

#include <cstdint>

#include "ztensor/dtype.h"

namespace zt::model {

// The value of one element from its bits (the bits above its width are zero). It is exact, except that integers of 64
// bits are rounded, and the payload of a NaN is lost. For complex dtypes the result is NaN.
double value_of(DType dtype, std::uint64_t bits) noexcept;

}  // namespace zt::model
