#pragma once

#include <cstddef>
#include <optional>

#include "ztensor/dtype.h"
#include "ztensor/value.h"

// Single elements, from their stored bytes to numbers for people.
namespace zt::source {

// The value of an integer, bool or float. A NaN is text with its bits, "nan 0x7fc00001". A complex value is an array of
// two. `at`: the first byte of the element. `high`: take the second of two float4 elements in a byte.
Value element_value(DType dtype, const std::byte* at, bool high = false);
// |a - b|; empty for bool, and if either is a NaN.
std::optional<double> element_distance(DType dtype, const std::byte* a, const std::byte* b, bool high = false);

}  // namespace zt::source
