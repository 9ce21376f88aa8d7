#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "foreign/onnx/tensor_proto.h"
#include "foreign/onnx/types.h"
#include "model/catalog.h"
#include "wire/protobuf.h"

namespace zt::foreign::onnx {

// Finds the elements of tensors: in the file, in other files, or in numbers that it must unpack for the catalog.
class Elements {
 public:
  Elements(wire::ProtoWindow& window, const Limits& limits, model::Catalog& catalog)
      : window_(window), limits_(limits), catalog_(catalog) {}

  // How to make the elements of a tensor of a known type. Throws malformed, refused, unsupported, limit.
  model::Recipe find(const TensorProto& tensor, const Type& type);
  // The same for indices of a sparse tensor, which it reads: the numbers of an int64 tensor that is no external one.
  std::vector<std::uint64_t> read_indices(const TensorProto& tensor);
  // Keeps numbers in the catalog.
  model::Recipe keep(const std::vector<std::uint64_t>& numbers);
  // Adds notes about external data.
  void finish();

 private:
  struct Extent {
    std::uint32_t file;
    std::uint64_t offset;
    std::uint64_t length;
    friend auto operator<=>(const Extent&, const Extent&) = default;  // NOLINT(modernize-use-nullptr)
  };
  model::Recipe find_raw(const TensorProto& tensor, const Type& type, std::uint64_t length);
  model::Recipe find_typed(const TensorProto& tensor, const Type& type, std::uint64_t length);
  model::Recipe find_external(const TensorProto& tensor, std::uint64_t length);
  std::uint64_t align_owned();  // where the catalog keeps the next bytes, aligned for any element
  std::uint16_t file_number(const std::string& location, std::uint64_t size);

  wire::ProtoWindow& window_;
  const Limits& limits_;
  model::Catalog& catalog_;
  std::map<std::pair<std::string, std::uint64_t>, std::uint16_t> files_;  // by location, and size or 0
  std::map<std::string, std::uint32_t> locations_;
  std::vector<Extent> extents_;  // of external data
  std::uint64_t unknown_keys_ = 0;
  std::uint64_t checksums_ = 0;
};

}  // namespace zt::foreign::onnx
