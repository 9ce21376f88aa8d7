#include "foreign/onnx/decode.h"

#include "base/utf8.h"

namespace zt::foreign::onnx {
namespace {

// The type of the elements. Throws unsupported, malformed.
const Type& type_of(const TensorProto& tensor) {
  if (!tensor.data_type) throw Error(Code::malformed, "onnx.type.missing", "data_type is missing");
  const Type* type = find_type(*tensor.data_type);
  if (type == nullptr) {
    throw Error(Code::unsupported, "onnx.type.unknown",
                "data_type " + std::to_string(*tensor.data_type) + " is not known");
  }
  if (type->bits == 0) throw Error(Code::unsupported, "onnx.type.string", "the elements are strings");
  return *type;
}

void check_message(const TensorProto& tensor) {
  if (tensor.fault) throw *tensor.fault;
  if (tensor.segment) {
    throw Error(Code::unsupported, "onnx.tensor.segment", "the tensor is a segment of a larger one");
  }
}

// Whether the error is one of the file, and not only of this tensor.
bool ends_file(const Error& error) {
  const std::string_view rule = error.rule();
  return error.code() == Code::io || rule == "onnx.name.duplicate" || rule == "onnx.texts.limit" ||
         rule == "onnx.tensors.limit";
}

// What the file calls the type, for a tensor that cannot be read.
std::string_view word_of(const TensorProto& tensor) {
  const Type* type = tensor.data_type ? find_type(*tensor.data_type) : nullptr;
  return type == nullptr ? "" : type->word;
}

}  // namespace

std::string Decoder::own_name(const TensorProto& tensor, std::string_view prefix, std::string_view name) {
  texts_.count(prefix.size());
  if (!name.empty()) return std::string(name);
  std::string own = tensor.name ? texts_.read(*tensor.name) : "";
  Names::check(own);
  return own;
}

std::vector<std::byte> Decoder::attributes_of(const TensorProto& tensor) {
  if (tensor.metadata_props.empty() && !tensor.doc_string) return {};
  Attributes attributes;
  if (tensor.doc_string && tensor.doc_string->length != 0) {
    attributes.add_text("doc_string", texts_.read(*tensor.doc_string));
  }
  odd_keys_ += attributes.add_props(window_, texts_, tensor.metadata_props);
  return attributes.finish();
}

// Lists the last tensor as unreadable, with one part that has its type's word.
void Decoder::list_fault(const Error& error, std::string_view storage) {
  catalog_.add_part("data", DType::u8, {}, "").storage = catalog_.intern(storage);
  catalog_.fault_tensor(model::fault_of(error));
  catalog_.fault_part(model::fault_of(error));
}

void Decoder::add_dense(Region message, std::uint32_t scope, std::string_view prefix, std::string_view name) {
  const TensorProto tensor = read_tensor_proto(window_, message, limits_);
  const std::string own = own_name(tensor, prefix, name);
  inside("tensor " + in_quotes(std::string(prefix) + own), [&] {
    std::vector<std::byte> attributes;
    try {
      attributes = attributes_of(tensor);
      check_message(tensor);
      const Type& type = type_of(tensor);
      const model::Recipe recipe = elements_.find(tensor, type);
      names_.add_tensor(scope, prefix, own, tensor.dims, type.layout, attributes);
      catalog_.add_part("data", type.dtype.value_or(DType::u8), recipe, "").storage = catalog_.intern(type.word);
      return;
    } catch (const Error& error) {
      if (ends_file(error)) throw;
      const auto dims = tensor.fault ? std::vector<std::uint64_t>() : tensor.dims;
      names_.add_tensor(scope, prefix, own, dims, "dense", attributes);
      list_fault(error, word_of(tensor));
    }
  });
}

void Decoder::add_sparse(Region message, std::uint32_t scope, std::string_view prefix, std::string_view name) {
  const SparseProto sparse = read_sparse_proto(window_, message, limits_);
  const std::string own = own_name(sparse.values, prefix, name);
  inside("tensor " + in_quotes(std::string(prefix) + own), [&] {
    std::vector<std::byte> attributes;
    try {
      attributes = attributes_of(sparse.values);
      if (sparse.fault) throw *sparse.fault;
      check_message(sparse.values);
      check_message(sparse.indices);
      const Type& type = type_of(sparse.values);
      if (type.bits < 8) throw Error(Code::unsupported, "onnx.sparse.type", "the values have less than 8 bits");
      const std::vector<std::uint64_t> coordinates = coordinates_of(elements_, sparse);
      const model::Recipe values = elements_.find(sparse.values, type);
      const model::Recipe indices = elements_.keep(coordinates);
      names_.add_tensor(scope, prefix, own, sparse.dims, "sparse_coo", attributes);
      catalog_.add_part("values", *type.dtype, values, "").storage = catalog_.intern(type.word);
      catalog_.add_part("coords", DType::u64, indices, "").storage = catalog_.intern("INT64");
    } catch (const Error& error) {
      if (ends_file(error)) throw;
      const auto dims = sparse.fault ? std::vector<std::uint64_t>() : sparse.dims;
      names_.add_tensor(scope, prefix, own, dims, "sparse_coo", attributes);
      list_fault(error, word_of(sparse.values));
    }
  });
}

}  // namespace zt::foreign::onnx
