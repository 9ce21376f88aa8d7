#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "foreign/onnx/tensor_proto.h"
#include "wire/protobuf.h"

namespace zt::foreign::onnx {

// Where another file has the elements of a tensor.
struct External {
  std::string location;  // plain components, joined with '/': a path below the folder of the model
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;  // none: up to the end of the file
  std::uint64_t unknown_keys = 0;
  bool has_checksum = false;
};

// Throws malformed "onnx.external.*", and refused "onnx.external.path" for a location that could lead out of the
// folder. Opens nothing.
External read_external(wire::ProtoWindow& window, const TensorProto& tensor);

}  // namespace zt::foreign::onnx
