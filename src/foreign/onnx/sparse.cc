#include "foreign/onnx/sparse.h"

#include <algorithm>

#include "base/checked.h"

namespace zt::foreign::onnx {
namespace {

constexpr std::size_t kMostLinearRank = 8;  // one linear index becomes so many coordinates

[[noreturn]] void wrong_sparse(const char* rule, const std::string& message) {
  throw Error(Code::malformed, rule, message);
}

void check_shape(const SparseProto& sparse) {
  if (sparse.dims.empty()) wrong_sparse("onnx.sparse.shape", "the shape of the sparse tensor has no dimensions");
  if (std::ranges::find(sparse.dims, 0U) != sparse.dims.end()) {
    wrong_sparse("onnx.sparse.shape", "a dimension of the sparse tensor is 0");
  }
  if (!checked::elements(sparse.dims)) {
    wrong_sparse("onnx.shape.overflow", "the shape has more elements than 64 bits count");
  }
}

// The number of entries.
std::uint64_t count_of(const SparseProto& sparse) {
  const auto& values = sparse.values.dims;
  const auto& indices = sparse.indices.dims;
  if (sparse.indices.data_type != std::uint64_t{7})
    wrong_sparse("onnx.sparse.indices", "the indices are not of type INT64");
  if (values.size() != 1) wrong_sparse("onnx.sparse.values", "the values have not one dimension");
  const bool linear = indices.size() == 1;
  const bool pairs = indices.size() == 2 && indices[1] == sparse.dims.size();
  if ((!linear && !pairs) || indices[0] != values[0]) {
    wrong_sparse("onnx.sparse.indices", "the shape of the indices fits neither [entries] nor [entries, rank]");
  }
  return values[0];
}

[[noreturn]] void outside(std::uint64_t entry) {
  wrong_sparse("onnx.sparse.bounds", "entry " + std::to_string(entry) + " is outside the shape");
}
[[noreturn]] void unsorted(std::uint64_t entry) {
  wrong_sparse("onnx.sparse.order", "entry " + std::to_string(entry) + " does not come after the entry before it");
}

std::vector<std::uint64_t> from_linear(const std::vector<std::uint64_t>& numbers,
                                       const std::vector<std::uint64_t>& dims) {
  if (dims.size() > kMostLinearRank) {
    throw Error(Code::limit, "onnx.sparse.rank",
                "linear indices of a tensor with more than " + std::to_string(kMostLinearRank) + " dimensions");
  }
  const std::size_t count = numbers.size();
  const std::uint64_t elements = *checked::elements(dims);
  std::vector<std::uint64_t> coordinates(count * dims.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (numbers[i] >= elements) outside(i);
    if (i > 0 && numbers[i] <= numbers[i - 1]) unsorted(i);
    std::uint64_t rest = numbers[i];
    for (std::size_t axis = dims.size(); axis-- > 0; rest /= dims[axis]) {
      coordinates[axis * count + i] = rest % dims[axis];
    }
  }
  return coordinates;
}

std::vector<std::uint64_t> from_pairs(const std::vector<std::uint64_t>& numbers,
                                      const std::vector<std::uint64_t>& dims) {
  const std::size_t rank = dims.size();
  const std::size_t count = numbers.size() / rank;
  std::vector<std::uint64_t> coordinates(numbers.size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto* here = numbers.data() + i * rank;
    for (std::size_t axis = 0; axis < rank; ++axis) {
      if (here[axis] >= dims[axis]) outside(i);
      coordinates[axis * count + i] = here[axis];
    }
    if (i > 0 && !std::lexicographical_compare(here - rank, here, here, here + rank)) unsorted(i);
  }
  return coordinates;
}

}  // namespace

SparseProto read_sparse_proto(wire::ProtoWindow& window, Region message, const Limits& limits) {
  SparseProto sparse;
  Once once;
  for (wire::ProtoReader reader(window, message); reader.next();) {
    const wire::ProtoField& field = reader.field();
    if (field.number == sparse_field::kDims) {
      try {
        if (!sparse.fault) add_dims(window, field, limits, sparse.dims);
      } catch (const Error& error) {
        if (error.code() == Code::io) throw;
        sparse.fault = error;
      }
    } else if (field.number == sparse_field::kValues || field.number == sparse_field::kIndices) {
      require(field, wire::ProtoType::bytes);
      once.see(field);
      TensorProto& tensor = field.number == sparse_field::kValues ? sparse.values : sparse.indices;
      tensor = read_tensor_proto(window, field.content, limits);
    }
  }
  if (!sparse.fault) sparse.fault = sparse.values.fault ? sparse.values.fault : sparse.indices.fault;
  return sparse;
}

std::vector<std::uint64_t> coordinates_of(Elements& elements, const SparseProto& sparse) {
  check_shape(sparse);
  const std::uint64_t count = count_of(sparse);
  if (!checked::multiply(count, sparse.dims.size())) {
    wrong_sparse("onnx.shape.overflow", "the indices are more than 64 bits count");
  }
  const std::vector<std::uint64_t> numbers = elements.read_indices(sparse.indices);
  return sparse.indices.dims.size() == 1 ? from_linear(numbers, sparse.dims) : from_pairs(numbers, sparse.dims);
}

}  // namespace zt::foreign::onnx
