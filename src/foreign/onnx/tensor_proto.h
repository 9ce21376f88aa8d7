#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/region.h"
#include "foreign/onnx/fields.h"
#include "foreign/onnx/types.h"
#include "wire/protobuf.h"
#include "ztensor/limits.h"

namespace zt::foreign::onnx {

// A typed field of a tensor. Protobuf joins its pieces, whether packed or not.
struct TypedField {
  std::uint64_t pieces = 0;  // packed pieces, and numbers that are not packed
  std::uint64_t bytes = 0;   // of all pieces
  Region first = {};         // the content of the first packed piece
};

// What a TensorProto says, before its elements are looked for.
struct TensorProto {
  Region message = {};
  std::vector<std::uint64_t> dims;
  std::optional<std::uint64_t> data_type;
  std::optional<Region> name;
  std::optional<Region> doc_string;
  std::optional<Region> raw_data;
  std::uint64_t data_location = 0;
  std::vector<Region> external_data;   // entries
  std::vector<Region> metadata_props;  // entries
  TypedField typed[12] = {};           // by the number of the field
  bool segment = false;
  std::optional<Error> fault;  // the first thing that is wrong with the message
};

// Reads a message without the elements. Throws malformed only for what breaks the wire form of the file: other faults
// are in the result.
TensorProto read_tensor_proto(wire::ProtoWindow& window, Region message, const Limits& limits);

// The bytes of all elements of this type. Throws malformed for a shape whose size has more than 64 bits.
std::uint64_t bytes_of(const Type& type, const std::vector<std::uint64_t>& dims);
// Whether the last byte has bits that belong to no element.
bool has_spare_bits(const Type& type, const std::vector<std::uint64_t>& dims);
// Throws malformed if these bits of the last byte are not zero.
void check_spare_bits(const Type& type, const std::vector<std::uint64_t>& dims, std::byte last);

// Adds the dimensions of a field, packed or not. Throws malformed, limit.
void add_dims(wire::ProtoWindow& window, const wire::ProtoField& field, const Limits& limits,
              std::vector<std::uint64_t>& dims);

}  // namespace zt::foreign::onnx
