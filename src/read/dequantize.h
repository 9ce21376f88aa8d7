#pragma once

#include <cstddef>
#include <span>

#include "model/quantized.h"
#include "run/progress.h"

namespace zt::read {

// The decoded bytes of the parts. Their lengths are those that `Quantized` comes to: whoever made it has checked.
struct QuantizedBytes {
  std::span<const std::byte> data;
  std::span<const std::byte> scales;
  std::span<const std::byte> zeros;  // empty, where none are stored
};

// The values of all elements, row-major, each rounded once; `out` holds how.elements(). Takes no memory of note.
void dequantize(const model::Quantized& how, const QuantizedBytes& parts, std::span<float> out, unsigned threads,
                run::Meter& meter);

}  // namespace zt::read
