#pragma once

#include <cstddef>
#include <span>

#include "model/quantized.h"
#include "run/progress.h"

namespace zt::read {

// The decoded bytes of the parts. The caller has checked that their lengths match the `Quantized`.
struct QuantizedBytes {
  std::span<const std::byte> data;
  std::span<const std::byte> scales;
  std::span<const std::byte> zeros;  // empty if the tensor has no zero points
};

// The values of all elements, row-major, each rounded once. `out` holds how.elements() values. Takes little memory.
void dequantize(const model::Quantized& how, const QuantizedBytes& parts, std::span<float> out, unsigned threads,
                run::Meter& meter);

}  // namespace zt::read
