#pragma once

#include <cstdint>

namespace zt {

// How the elements of a part are stored, as far as a codec needs to know: their width, and whether they are floats whose
// sign and exponent are in the top bits.
enum class ElementForm : std::uint8_t { bytes1, bytes2, bytes4, bytes8, float2, float4, float8 };

constexpr unsigned width_of(ElementForm form) {
  switch (form) {
    case ElementForm::bytes1: return 1;
    case ElementForm::bytes2:
    case ElementForm::float2: return 2;
    case ElementForm::bytes4:
    case ElementForm::float4: return 4;
    case ElementForm::bytes8:
    case ElementForm::float8: break;
  }
  return 8;
}

constexpr bool is_float(ElementForm form) { return form >= ElementForm::float2; }

}  // namespace zt
