#include "foreign/onnx/tensor_proto.h"

#include <algorithm>

#include "base/checked.h"
#include "base/count_text.h"

namespace zt::foreign::onnx {
namespace {

using wire::ProtoField;
using wire::ProtoType;

bool is_typed(std::uint32_t number) {
  using namespace tensor_field;
  return (number >= kFloatData && number <= kInt64Data) || number == kDoubleData || number == kUint64Data;
}

ProtoType unpacked_type(std::uint32_t number) {
  if (number == tensor_field::kFloatData) return ProtoType::fixed32;
  if (number == tensor_field::kDoubleData) return ProtoType::fixed64;
  return number == tensor_field::kStringData ? ProtoType::bytes : ProtoType::varint;
}

void add_typed(const ProtoField& field, TypedField& typed) {
  if (field.type != ProtoType::bytes) require(field, unpacked_type(field.number));
  const bool first = typed.pieces++ == 0;
  if (field.type != ProtoType::bytes) {
    typed.bytes += field.type == ProtoType::fixed32 ? 4 : field.type == ProtoType::fixed64 ? 8 : 1;
    return;
  }
  if (first) typed.first = field.content;
  typed.bytes += field.content.length;
}

void add_field(wire::ProtoWindow& window, const ProtoField& field, const Limits& limits, Once& once,
               TensorProto& tensor) {
  using namespace tensor_field;
  if (is_typed(field.number)) return add_typed(field, tensor.typed[field.number]);
  const auto one = [&](ProtoType type) {
    require(field, type);
    once.see(field);
  };
  switch (field.number) {
    case kDims: add_dims(window, field, limits, tensor.dims); break;
    case kDataType:
      one(ProtoType::varint);
      tensor.data_type = field.value;
      break;
    case kSegment: tensor.segment = true; break;
    case kName:
      one(ProtoType::bytes);
      tensor.name = field.content;
      break;
    case kRawData:
      one(ProtoType::bytes);
      tensor.raw_data = field.content;
      break;
    case kDocString:
      one(ProtoType::bytes);
      tensor.doc_string = field.content;
      break;
    case kExternalData:
      require(field, ProtoType::bytes);
      tensor.external_data.push_back(field.content);
      break;
    case kDataLocation:
      one(ProtoType::varint);
      tensor.data_location = field.value;
      break;
    case kMetadataProps:
      require(field, ProtoType::bytes);
      tensor.metadata_props.push_back(field.content);
      break;
    default: break;
  }
}

}  // namespace

void add_dims(wire::ProtoWindow& window, const ProtoField& field, const Limits& limits,
              std::vector<std::uint64_t>& dims) {
  const auto add = [&](std::uint64_t dimension) {
    if (dimension > std::uint64_t{1} << 62) {  // also the negative ones
      throw Error(Code::malformed, "onnx.shape.dimension",
                  "dimension " + std::to_string(static_cast<std::int64_t>(dimension)) + " is not from 0 to 2^62");
    }
    if (dims.size() >= std::min<std::uint32_t>(limits.rank, 255)) {
      throw Error(Code::limit, "onnx.shape.rank", "the shape has more than " + count_text(dims.size(), "dimension"));
    }
    dims.push_back(dimension);
  };
  if (field.type != ProtoType::bytes) {
    require(field, ProtoType::varint);
    return add(field.value);
  }
  wire::ProtoVarints packed(window, field.content);
  while (const auto dimension = packed.next()) add(*dimension);
}

TensorProto read_tensor_proto(wire::ProtoWindow& window, Region message, const Limits& limits) {
  TensorProto tensor;
  tensor.message = message;
  Once once;
  wire::ProtoReader reader(window, message);
  while (reader.next()) {
    if (tensor.fault && reader.field().number != tensor_field::kName) continue;
    try {
      add_field(window, reader.field(), limits, once, tensor);
    } catch (const Error& error) {
      if (error.code() == Code::io) throw;
      if (!tensor.fault) tensor.fault = error;
      // Two names: a reader that takes the other one would see another tensor.
      if (reader.field().number == tensor_field::kName) throw;
    }
  }
  return tensor;
}

std::uint64_t bytes_of(const Type& type, const std::vector<std::uint64_t>& dims) {
  const auto elements = checked::elements(dims);
  const auto bits = elements ? checked::multiply(*elements, type.bits) : std::nullopt;
  const auto filled = bits ? checked::add(*bits, 7) : std::nullopt;
  if (!filled) throw Error(Code::malformed, "onnx.shape.overflow", "the shape has more bits than 64 bits count");
  return *filled / 8;
}

bool has_spare_bits(const Type& type, const std::vector<std::uint64_t>& dims) {
  return type.bits < 8 && checked::elements(dims).value_or(0) * type.bits % 8 != 0;
}

void check_spare_bits(const Type& type, const std::vector<std::uint64_t>& dims, std::byte last) {
  const std::uint64_t used = checked::elements(dims).value_or(0) * type.bits % 8;
  if (used == 0 || static_cast<unsigned>(last) >> used == 0) return;
  throw Error(Code::malformed, "onnx.tensor.spare", "the unused bits of the last byte are not zero");
}

}  // namespace zt::foreign::onnx
