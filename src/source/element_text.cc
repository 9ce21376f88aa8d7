#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>

#include "base/endian.h"
#include "model/floats.h"
#include "model/integers.h"
#include "ztensor/error.h"
#include "ztensor/info.h"

namespace zt {
namespace {

template <class T>
std::string shortest(T value) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

// A number of at most 8 bytes.
std::string number_text(DType dtype, std::span<const std::byte> bytes) {
  std::array<std::byte, 8> word = {};
  std::ranges::copy(bytes, word.begin());
  const auto bits = endian::load_le<std::uint64_t>(word.data());
  const unsigned shift = 64 - 8 * static_cast<unsigned>(bytes.size());
  switch (dtype) {
    case DType::boolean: return bits != 0 ? "true" : "false";
    case DType::u64:
    case DType::u32:
    case DType::u16:
    case DType::u8: return shortest(bits);
    case DType::i64:
    case DType::i32:
    case DType::i16:
    case DType::i8: return shortest(static_cast<std::int64_t>(bits << shift) >> shift);
    case DType::f64: return shortest(model::value_of(dtype, bits));
    default: return shortest(static_cast<float>(model::value_of(dtype, bits)));  // exact: no other type is wider
  }
}

}  // namespace

std::string element_text(DType dtype, std::span<const std::byte> element) {
  if (dtype_bits(dtype) % 8 != 0 || element.size() != dtype_bits(dtype) / 8) {
    throw Error(
        Code::usage, "",
        "an element of " + std::string(dtype_name(dtype)) + " is not " + std::to_string(element.size()) + " bytes");
  }
  if (dtype != DType::complex64 && dtype != DType::complex128) return number_text(dtype, element);
  const DType part = dtype == DType::complex64 ? DType::f32 : DType::f64;
  const std::string imaginary = number_text(part, element.subspan(element.size() / 2));
  return number_text(part, element.first(element.size() / 2)) + (imaginary[0] == '-' ? "" : "+") + imaginary + "j";
}

}  // namespace zt
