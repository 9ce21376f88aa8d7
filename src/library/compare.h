#pragma once

#include "run/progress.h"
#include "ztensor/tensor.h"

namespace zt::library {

// Throws mismatch "convert.readback" unless both have the same shape, layout, attributes, parts and decoded bytes. Reads
// all of them.
void check_same(const Tensor& expected, const Tensor& found, run::Meter& meter);

}  // namespace zt::library
