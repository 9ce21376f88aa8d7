#pragma once

#include <cstdint>

#include "ztensor/dtype.h"

namespace zt::model {

// Where the zero point of a code comes from.
enum class ZeroPoint : std::uint8_t {
  none,
  implied,  // one constant
  plain,    // an element of part `zeros` for each scale
  packed,   // a code of part `zeros` for each scale, packed as the data is
};

// The elements that share a scale.
enum class ScaleScope : std::uint8_t {
  group,    // `group` neighbours along the axis
  channel,  // all elements with the same index on the axis
  element,  // none: each element has its own scale
};

// How codes, scales and zero points make a tensor, in the profiles zt.mx/1 and zt.quant_group/1 (spec/profiles). The
// value of an element is (value of its code - zero point) * scale. In row-major order, element i has code i. The scales
// of groups are in the row-major order of the shape with the axis divided by `group`.
struct Quantized {
  DType code = DType::u8;      // the dtype of a code; u8: its bits are an unsigned number
  double unit = 1;             // the value of a code is multiplied by this
  std::uint32_t bits = 8;      // of a code: 2, 4 or 8
  std::uint32_t per_word = 1;  // codes in a word, a power of two
  bool msb_first = false;      // the first code of a word is in the highest bits instead of the lowest
  std::uint64_t outer = 1;     // the product of the dimensions before the axis,
  std::uint64_t along = 1;     // the axis,
  std::uint64_t inner = 1;     // and the product of those behind it; the product of all fits 64 bits
  ScaleScope scope = ScaleScope::group;
  std::uint64_t group = 1;  // divides `along`
  DType scale = DType::f32;
  ZeroPoint zero = ZeroPoint::none;
  double zero_value = 0;        // for ZeroPoint::implied
  DType zero_type = DType::u8;  // for ZeroPoint::plain

  std::uint64_t elements() const { return outer * along * inner; }
};

}  // namespace zt::model
