#pragma once

#include <cstddef>
#include <optional>

#include "ztensor/dtype.h"
#include "ztensor/value.h"

// Single elements, out of their stored bytes, as numbers that a person reads.
namespace zt::source {

// An integer, a bool, a float; a NaN is text with its bits, "nan 0x7fc00001"; a complex one is an array of two. `at`:
// its first byte. `high`: of the two float4 elements in a byte, the second.
Value element_value(DType dtype, const std::byte* at, bool high = false);
// |a - b|; nothing for bool, and where either is a NaN.
std::optional<double> element_distance(DType dtype, const std::byte* a, const std::byte* b, bool high = false);

}  // namespace zt::source
