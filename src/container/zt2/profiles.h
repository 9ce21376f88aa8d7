#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "ztensor/dtype.h"

// The rules of layouts for the metadata of a tensor: its shape, and the types and sizes of its parts (spec/profiles/).
namespace zt::container::zt2 {

struct PartFacts {
  std::string_view role;
  DType dtype = DType::u8;  // if the logical type is unknown, the dtype of the storage
  bool typed = false;       // it has a logical type
  bool known = true;        // its logical type, if any, is known, and so is the size of its elements
  std::uint64_t bytes = 0;  // decoded
};

struct TensorFacts {
  std::string_view layout;  // as the file spells it
  std::span<const std::uint64_t> shape;
  std::uint64_t elements = 0;  // the product of the shape
  std::span<const PartFacts> parts;
  std::span<const std::byte> attributes;  // one CBOR map, or nothing
};

// Throws if the tensor breaks a rule of its layout: malformed "zt2.dense.*", "zt2.csr.*", "zt2.coo.*", "mx.*",
// "quant.*", "gguf.*"; unsupported "zt2.layout.reserved" for a word of 1.x. Any other layout passes.
void check_profile(const TensorFacts& tensor);
// Whether such an error refuses the whole file, as in every reader of generation 2. Otherwise it is the tensor's fault.
bool refuses_file(std::string_view layout);

}  // namespace zt::container::zt2
