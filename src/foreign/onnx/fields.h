#pragma once

#include <cstdint>
#include <string>

#include "wire/protobuf.h"
#include "ztensor/error.h"

// The numbers of the fields that we read, a namespace for each message of onnx.proto.
namespace zt::foreign::onnx {

namespace model_field {
inline constexpr std::uint32_t kIrVersion = 1, kProducerName = 2, kProducerVersion = 3, kDomain = 4, kModelVersion = 5,
                               kDocString = 6, kGraph = 7, kOpsetImport = 8, kMetadataProps = 14, kTrainingInfo = 20,
                               kFunctions = 25, kConfiguration = 26;
}  // namespace model_field
namespace graph_field {
inline constexpr std::uint32_t kNode = 1, kName = 2, kInitializer = 5, kDocString = 10, kSparseInitializer = 15;
}  // namespace graph_field
namespace node_field {
inline constexpr std::uint32_t kOutput = 2, kName = 3, kOpType = 4, kAttribute = 5, kDomain = 7;
}  // namespace node_field
namespace attribute_field {
inline constexpr std::uint32_t kName = 1, kT = 5, kG = 6, kTensors = 10, kGraphs = 11, kSparseTensor = 22,
                               kSparseTensors = 23;
}  // namespace attribute_field
namespace function_field {
inline constexpr std::uint32_t kName = 1, kNode = 7, kDomain = 10, kAttributeProto = 11, kOverload = 13;
}  // namespace function_field
namespace training_field {
inline constexpr std::uint32_t kInitialization = 1, kAlgorithm = 2;
}  // namespace training_field
namespace sparse_field {
inline constexpr std::uint32_t kValues = 1, kIndices = 2, kDims = 3;
}  // namespace sparse_field
namespace tensor_field {
inline constexpr std::uint32_t kDims = 1, kDataType = 2, kSegment = 3, kFloatData = 4, kInt32Data = 5, kStringData = 6,
                               kInt64Data = 7, kName = 8, kRawData = 9, kDoubleData = 10, kUint64Data = 11,
                               kDocString = 12, kExternalData = 13, kDataLocation = 14, kMetadataProps = 16;
}  // namespace tensor_field
namespace entry_field {  // of StringStringEntryProto
inline constexpr std::uint32_t kKey = 1, kValue = 2;
}  // namespace entry_field
namespace opset_field {
inline constexpr std::uint32_t kDomain = 1, kVersion = 2;
}  // namespace opset_field

// Throws malformed: protobuf would take a field of another type for an unknown one, and drop it.
inline void require(const wire::ProtoField& field, wire::ProtoType type) {
  if (field.type == type) return;
  throw Error(Code::malformed, "onnx.field.type",
              "offset " + std::to_string(field.at) + ": field " + std::to_string(field.number) + " has wire type " +
                  std::to_string(static_cast<unsigned>(field.type)) + ": expected " +
                  std::to_string(static_cast<unsigned>(type)));
}

// The fields of a message that may be there once. Protobuf merges messages and takes the last number; a reader that
// takes the first sees another model.
class Once {
 public:
  // Throws malformed for a second field of this number, which is less than 64.
  void see(const wire::ProtoField& field) {
    const std::uint64_t bit = std::uint64_t{1} << field.number;
    if ((seen_ & bit) != 0) {
      throw Error(Code::malformed, "onnx.field.repeated",
                  "offset " + std::to_string(field.at) + ": field " + std::to_string(field.number) +
                      " is there twice: expected it once");
    }
    seen_ |= bit;
  }
  bool has(std::uint32_t number) const { return (seen_ >> number & 1) != 0; }

 private:
  std::uint64_t seen_ = 0;
};

}  // namespace zt::foreign::onnx
