#pragma once

#include <string_view>

#include "model/catalog.h"
#include "ztensor/byte_store.h"
#include "ztensor/limits.h"

// ONNX: one protobuf message, a ModelProto, with the tensors of a model in the nodes and initializers of its graphs.
namespace zt::foreign::onnx {

// Whether the first fields of the content are those of a model, or the name ends in ".onnx". Throws only io.
bool sniff(const ByteStore& store, std::string_view name);

// Reads the structure, and no element bytes except numbers that are stored as varints, the indices of sparse tensors,
// and unused bits: raw_data is skipped. A fault within one tensor is listed with it. For any other fault throws
// malformed or limit. Also throws io.
model::Catalog decode(const ByteStore& store, const Limits& limits);

}  // namespace zt::foreign::onnx
