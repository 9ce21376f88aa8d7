#include <string>

#include "base/count_text.h"
#include "base/utf8.h"
#include "foreign/pickle/records.h"

// The tensors of torch.
namespace zt::foreign::pickle {
namespace {

constexpr int kMostWrappings = 8;  // parameters in parameters

[[noreturn]] void bad(const char* rule, const std::string& message) { throw Error(Code::malformed, rule, message); }

void need_count(std::span<const Id> arguments, std::size_t least, std::size_t most, std::string_view what) {
  if (arguments.size() >= least && arguments.size() <= most) return;
  bad("pickle.tensor.arguments", std::string(what) + " has " + count_text(arguments.size(), "argument") + ", not " +
                                     std::to_string(least) + (least == most ? "" : " to " + std::to_string(most)));
}

}  // namespace

// A persistent id is ("storage", type, key, location, elements), with a view as a sixth item in legacy files.
StorageRecord Records::persistent(Id node) const {
  const Id id = graph_.persistent_id(node);
  const auto items = graph_.items(id);
  if (graph_.kind(id) != Kind::tuple || items.size() < 5 || items.size() > 6) {
    bad("pickle.storage.id", "the id of a storage is not a tuple of five or six items");
  }
  if (word(items[0]) != "storage") bad("pickle.storage.id", "a persistent id is not that of a storage");
  if (known(items[1]) != Known::storage_type || graph_.kind(items[1]) != Kind::global) {
    throw Error(Code::refused, "pickle.storage.type", "a storage has a type that is not a storage type of torch");
  }
  StorageRecord storage;
  storage.node = id;
  storage.type = graph_.global(items[1]).name;
  storage.dtype = graph_.global(items[1]).meaning.dtype;
  storage.is_untyped = storage.type.ends_with("UntypedStorage");
  storage.key = word(items[2]);
  storage.location = word(items[3]);
  storage.elements = natural(items[4], "pickle.storage.elements", "the number of a storage's elements");
  if (items.size() == 6) storage.view = items[5];
  return storage;
}

StorageRecord Records::storage(Id node) const {
  if (graph_.kind(node) == Kind::persistent) return persistent(node);
  if (graph_.kind(node) != Kind::call || known(node) != Known::load_from_bytes || arguments(node).size() != 1) {
    bad("pickle.storage.form", "a tensor has no storage as its first argument");
  }
  const Id bytes = arguments(node)[0];
  const auto stored = payload(bytes);
  if (!stored || graph_.kind(bytes) == Kind::text) bad("pickle.storage.form", "an embedded storage is not bytes");
  StorageRecord storage;
  storage.node = node;
  storage.is_embedded = true;
  storage.payload = stored->range;
  storage.packing = stored->packing;
  return storage;
}

// The storage, the offset, the size and the strides. The bounds are checked where the storage's length is known.
void Records::read_geometry(TensorRecord& tensor, std::span<const Id> given) const {
  tensor.storage = storage(given[0]);
  tensor.offset = natural(given[1], "pickle.tensor.offset", "the offset of the tensor");
  tensor.size = naturals(given[2], "pickle.tensor.size", "the size of the tensor");
  tensor.stride = naturals(given[3], "pickle.tensor.stride", "the stride of the tensor");
  if (tensor.size.size() != tensor.stride.size()) bad("pickle.tensor.stride", "size and stride differ in their length");
  tensor.dtype = tensor.storage.dtype;
  tensor.dtype_name = tensor.storage.type;
}

void Records::read_metadata(TensorRecord& tensor, Id metadata) const {
  if (graph_.kind(metadata) == Kind::none) return;
  constexpr std::uint64_t kMostFields = 32;  // many tensors may share a dict
  if (graph_.kind(metadata) != Kind::dict || graph_.count(metadata, kMostFields + 1) > kMostFields) {
    bad("pickle.tensor.metadata", "the metadata of the tensor is not a dict of at most 32 items");
  }
  graph_.each_member(metadata, [&](Id name, Id value) {
    const std::string_view key = word(name);
    if (key == "conj") {
      tensor.is_conjugate = boolean(value, "pickle.tensor.metadata", "conj");
    } else if (key == "neg") {
      tensor.is_negative = boolean(value, "pickle.tensor.metadata", "neg");
    } else {
      throw Error(Code::unsupported, "pickle.tensor.metadata", "the tensor has the unknown metadata " + in_quotes(key));
    }
  });
}

TensorRecord Records::rebuilt(Id call, std::span<const Id> given) const {
  constexpr const char* kGradRule = "pickle.tensor.grad";
  TensorRecord tensor;
  switch (known(call)) {
    case Known::rebuild_tensor:
      need_count(given, 4, 4, "_rebuild_tensor");
      read_geometry(tensor, given);
      return tensor;
    case Known::rebuild_tensor_v2:
      need_count(given, 6, 7, "_rebuild_tensor_v2");
      read_geometry(tensor, given);
      tensor.requires_grad = boolean(given[4], kGradRule, "requires_grad");
      if (given.size() == 7) read_metadata(tensor, given[6]);
      return tensor;
    case Known::rebuild_tensor_v3:
      need_count(given, 7, 8, "_rebuild_tensor_v3");
      read_geometry(tensor, given);
      tensor.requires_grad = boolean(given[4], kGradRule, "requires_grad");
      if (known(given[6]) != Known::torch_dtype) bad("pickle.tensor.dtype", "the dtype of the tensor is not torch's");
      tensor.dtype = graph_.global(given[6]).meaning.dtype;
      tensor.dtype_name = graph_.global(given[6]).name;
      if (given.size() == 8) read_metadata(tensor, given[7]);
      return tensor;
    case Known::rebuild_qtensor:
      throw Error(Code::unsupported, "pickle.tensor.quantized",
                  "quantized tensors of torch are not supported: dequantize the tensor before you save it");
    case Known::rebuild_meta_tensor:
      throw Error(Code::unsupported, "pickle.tensor.meta", "the tensor was on device 'meta': the file has no values");
    default: throw Error(Code::unsupported, "pickle.tensor.form", "tensors in this form are not supported");
  }
}

// torch.FloatTensor and the like get (storage, offset, size, stride) as their state.
TensorRecord Records::legacy(Id call) const {
  const Build* build = graph_.build(call);
  if (build == nullptr) bad("pickle.tensor.state", "the tensor has no state");
  const auto state = graph_.items(build->state);
  need_count(state, 4, 5, "the state of a tensor");
  TensorRecord tensor;
  read_geometry(tensor, state);
  return tensor;
}

TensorRecord Records::tensor(Id node) const {
  bool is_parameter = false;
  for (int i = 0; i < kMostWrappings && node != kNoNode && graph_.kind(node) == Kind::call; ++i) {
    const auto given = arguments(node);
    const Known called = known(node);
    switch (called) {
      case Known::rebuild_parameter:
      case Known::rebuild_parameter_with_state:
      case Known::parameter:
        need_count(given, 1, 4, "a parameter");
        is_parameter = true;
        node = given[0];
        continue;
      case Known::rebuild_device_tensor_from_cpu:
        need_count(given, 4, 4, "a device tensor");
        node = given[0];
        continue;
      default: break;
    }
    TensorRecord tensor;
    if (called == Known::tensor_type) {
      tensor = legacy(node);
    } else if (called == Known::rebuild_from_type_v2) {  // (function, type, arguments, state)
      need_count(given, 4, 4, "_rebuild_from_type_v2");
      tensor = rebuilt(given[0], graph_.items(given[2]));
    } else {
      tensor = rebuilt(node, given);
    }
    tensor.is_parameter = is_parameter;
    return tensor;
  }
  bad("pickle.tensor.form", "a parameter does not hold a tensor");
}

// (layout, (indices, values, size [, is_coalesced])) or (layout, (pointers, indices, values, size [, ...])).
SparseRecord Records::sparse(Id node) const {
  auto given = arguments(node);
  switch (known(node)) {
    case Known::rebuild_parameter:
    case Known::rebuild_parameter_with_state:
    case Known::parameter:
      need_count(given, 1, 4, "a parameter");
      given = arguments(given[0]);
      break;
    case Known::rebuild_from_type_v2:  // (function, type, arguments, state)
      need_count(given, 4, 4, "_rebuild_from_type_v2");
      given = graph_.items(given[2]);
      break;
    default: break;
  }
  need_count(given, 2, 2, "_rebuild_sparse_tensor");
  SparseRecord sparse;
  if (known(given[0]) == Known::torch_layout && arguments(given[0]).size() == 1) {
    sparse.layout = word(arguments(given[0])[0]);
    constexpr std::string_view kPrefix = "torch.";
    if (sparse.layout.starts_with(kPrefix)) sparse.layout.erase(0, kPrefix.size());
  }
  const bool is_coo = sparse.layout == "sparse_coo";
  if (!is_coo && sparse.layout != "sparse_csr") {
    throw Error(Code::unsupported, "pickle.sparse.layout",
                "sparse tensors of layout " + in_quotes(sparse.layout) +
                    " are not supported: convert the tensor to COO or CSR");
  }
  const std::size_t parts = is_coo ? 2 : 3;
  const auto state = graph_.items(given[1]);
  need_count(state, parts + 1, parts + 2, "the state of a sparse tensor");
  for (std::size_t i = 0; i < parts; ++i) {
    const Id part = target(state[i]);
    if (part == kNoNode || sort(part) != Sort::tensor) bad("pickle.sparse.parts", "a part of the tensor is no tensor");
    sparse.parts.push_back(part);
  }
  sparse.size = naturals(state[parts], "pickle.sparse.size", "the size of the tensor");
  return sparse;
}

}  // namespace zt::foreign::pickle
