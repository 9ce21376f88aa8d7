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

// Which elements share a scale.
enum class ScaleScope : std::uint8_t {
  group,    // `group` neighbours along the axis
  channel,  // all that have the same place on the axis
  element,  // none
};

// How codes, scales and zero points make up a tensor: what the profiles zt.mx/1 and zt.quant_group/1 have in common
// (spec/profiles). The value of an element is (its code's value - zero point) * scale. Element i of the row-major order
// has code i. The scales of groups lie in the row-major order of the shape with its axis divided by `group`.
struct Quantized {
  DType code = DType::u8;      // what a code stands for; u8: its bits as a number
  double unit = 1;             // times this
  std::uint32_t bits = 8;      // of a code: 2, 4 or 8
  std::uint32_t per_word = 1;  // codes of a word, a power of two
  bool msb_first = false;      // the first code of a word lies in its highest bits, not in its lowest
  std::uint64_t outer = 1;     // the product of the dimensions before the axis,
  std::uint64_t along = 1;     // the axis,
  std::uint64_t inner = 1;     // and the product of those behind it; together they are no more than 64 bits count
  ScaleScope scope = ScaleScope::group;
  std::uint64_t group = 1;  // divides `along`
  DType scale = DType::f32;
  ZeroPoint zero = ZeroPoint::none;
  double zero_value = 0;        // implied
  DType zero_type = DType::u8;  // plain

  std::uint64_t elements() const { return outer * along * inner; }
};

}  // namespace zt::model
