#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "ztensor/dtype.h"

// What layouts ask of a tensor's metadata, its shape and its parts' types and sizes (spec/profiles/).
namespace zt::container::zt2 {

struct PartFacts {
  std::string_view role;
  DType dtype = DType::u8;  // of an unknown logical type: its storage
  bool typed = false;       // a logical type lies over its storage
  bool known = true;        // that type, if there is one, is known, and so the size of elements
  std::uint64_t bytes = 0;  // decoded
};

struct TensorFacts {
  std::string_view layout;  // as the file spells it
  std::span<const std::uint64_t> shape;
  std::uint64_t elements = 0;  // the product of the shape
  std::span<const PartFacts> parts;
  std::span<const std::byte> attributes;  // one CBOR map, or nothing
};

// Throws what is wrong with a tensor of a layout that is known here: malformed "zt2.dense.*", "zt2.csr.*", "zt2.coo.*",
// "mx.*", "quant.*", "gguf.*".
// Any other layout is right as it is.
void check_profile(const TensorFacts& tensor);
// Whether that refuses the whole file, as every reader of generation 2 does; else it is a fault of the tensor.
bool refuses_file(std::string_view layout);

}  // namespace zt::container::zt2
