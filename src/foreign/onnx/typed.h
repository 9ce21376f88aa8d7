#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "foreign/onnx/tensor_proto.h"
#include "foreign/onnx/types.h"
#include "wire/protobuf.h"

namespace zt::foreign::onnx {

// The numbers of the tensor's typed field, as the bytes of its elements, piece by piece. `length`: of all elements.
// Throws malformed for another count, and for a number that is no element of the type.
void unpack(wire::ProtoWindow& window, const TensorProto& tensor, const Type& type, std::uint64_t length,
            const std::function<void(std::span<const std::byte>)>& visit);

// The range of the file that has the elements as they are: where one packed piece of floats has all of them.
std::optional<Region> packed_range(const TensorProto& tensor, const Type& type);

}  // namespace zt::foreign::onnx
