#pragma once

#include "foreign/onnx/elements.h"
#include "foreign/onnx/tensor_proto.h"

namespace zt::foreign::onnx {

// What a SparseTensorProto says.
struct SparseProto {
  TensorProto values;
  TensorProto indices;
  std::vector<std::uint64_t> dims;
  std::optional<Error> fault;
};

// Throws malformed only for what breaks the wire form of the file.
SparseProto read_sparse_proto(wire::ProtoWindow& window, Region message, const Limits& limits);

// The coordinates of all entries, axis by axis. Throws malformed "onnx.sparse.*" unless the entries are within the
// shape and ascend; unsupported, limit.
std::vector<std::uint64_t> coordinates_of(Elements& elements, const SparseProto& sparse);

}  // namespace zt::foreign::onnx
