#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/region.h"
#include "foreign/pickle/graph.h"
#include "foreign/pickle/machine.h"
#include "ztensor/byte_store.h"
#include "ztensor/dtype.h"
#include "ztensor/error.h"

namespace zt::foreign::pickle {

// What a node is, judged by its kind and by the global that it calls.
enum class Sort : std::uint8_t {
  plain,   // a number, a text, bytes, None, a NumPy scalar, a dtype, ...
  list,    // also a tuple, a set and torch.Size
  dict,    // also an OrderedDict, a defaultdict and a Counter
  array,   // of NumPy
  tensor,  // of torch
  sparse,  // of torch
  alias,   // another node: see Records::target()
  opaque,  // an object or a global that we do not know
};

// The dtype of an array.
struct ArrayType {
  std::optional<DType> dtype;  // empty: a type that we do not have
  std::string name;            // "f4", "O8", "bfloat16": as the pickle names it
  bool is_big_endian = false;
  bool is_object = false;        // the elements are Python objects
  std::uint64_t item_bytes = 0;  // of an element; 0 if we do not know the type
};

// How the bytes of an array stand in the stream.
enum class Packing : std::uint8_t {
  raw,      // as they are
  utf8,     // text in UTF-8, a code point for each byte
  unicode,  // text in Latin-1 with \uXXXX, a code point for each byte
  quoted,   // a quoted string of Python 2 with escapes, quotes included
};

struct ArrayRecord {
  ArrayType type;
  bool is_ndarray = true;              // and of no other class
  std::vector<std::uint64_t> shape;    // of the array
  std::vector<std::uint64_t> strides;  // in elements; empty: row-major
  Region payload;                      // in the store
  Packing packing = Packing::raw;
};

// The arrays of joblib's wrappers, as they were when each wrapper got its state: their bytes follow it in the stream.
using WrappedArrays = std::map<Id, ArrayRecord>;

// A storage of torch.
struct StorageRecord {
  Id node = kNoNode;  // the tuple of a persistent id, or the call of _load_from_bytes
  bool is_embedded =
      false;  // the payload is a legacy stream of torch, whose root is the storage; no other field is set
  Region payload;
  Packing packing = Packing::raw;  // of the payload
  std::string type;                // "FloatStorage"
  std::optional<DType> dtype;      // empty: a type that we do not have
  bool is_untyped = false;         // a storage of bytes: `elements` counts bytes
  std::string key;
  std::string location;
  std::uint64_t elements = 0;
  Id view = kNoNode;  // the sixth item of a legacy id: None, or a tuple (key, offset, elements)
};

struct TensorRecord {
  StorageRecord storage;
  std::uint64_t offset = 0;  // in elements
  std::vector<std::uint64_t> size;
  std::vector<std::uint64_t> stride;  // in elements
  std::optional<DType> dtype;         // empty: a type that we do not have
  std::string dtype_name;             // "FloatStorage" or "float8_e4m3fn": for messages
  bool requires_grad = false;
  bool is_parameter = false;
  bool is_conjugate = false;  // the values are the conjugates of the stored ones
  bool is_negative = false;   // the values are the negatives of the stored ones
};

struct SparseRecord {
  std::string layout;     // "sparse_coo", "sparse_csr", ...
  std::vector<Id> parts;  // COO: indices and values. Compressed: pointers, indices and values. All are tensors
  std::vector<std::uint64_t> size;
};

// Reads the records that the nodes of a graph describe. What is wrong in one of them throws, and tells nothing about the
// others: malformed, unsupported or refused, with rules "pickle.*".
class Records {
 public:
  Records(const ByteStore& store ZT_LIFETIME_BOUND, const Graph& graph ZT_LIFETIME_BOUND)
      : store_(store), graph_(graph) {}
  // From now on, an object of a TorchScript class (of a module in "__torch__") is the dict, list or tuple of its state.
  void read_script_objects() noexcept { reads_scripts_ = true; }
  bool is_script(Id node) const;  // such an object
  // Arrays of joblib are those in this map, which must outlive this. Without one, they are unsupported.
  void read_wrapped(const WrappedArrays& wrapped ZT_LIFETIME_BOUND) noexcept { wrapped_ = &wrapped; }
  const Graph& graph() const noexcept { return graph_; }
  const ByteStore& store() const noexcept { return store_; }

  Sort sort(Id node) const;
  // The node itself, or the node that an alias stands for; kNoNode where the alias is broken or too long.
  Id target(Id node) const;

  ArrayRecord array(Id node) const;
  // The array of a wrapper of joblib, right after the wrapper got its state.
  ArrayRecord wrapped(Id call) const;
  // The list of the elements of an object array, in row-major order; kNoNode if the array holds no objects.
  Id objects(Id array) const;
  ArrayType array_type(Id dtype_node, Id before = kNoNode) const;
  TensorRecord tensor(Id node) const;
  SparseRecord sparse(Id node) const;
  StorageRecord storage(Id node) const;

  // A text that names something, and is never long: of at most 1024 bytes. Throws malformed as text() does, and
  // unsupported for a longer one. A small file may use one text very often. The result borrows from the graph.
  std::string_view word(Id node) const;
  // The text of a text or string8 of at most 1 MiB, read from the store if need be. Throws malformed for other nodes
  // and for text that is not UTF-8.
  std::string text(Id node) const;
  // The content of a bytes node, of a string8, or of a call that makes bytes. At most 1 MiB.
  std::vector<std::byte> bytes(Id node) const;
  // The bytes that a node stands for: where and how they stand in the stream. Empty if it does not stand for bytes.
  struct Payload {
    Region range;
    Packing packing;
  };
  std::optional<Payload> payload(Id node) const;

  // Calls `visit(key, value)` for each entry of a dict, and `visit(item)` for each item of a list.
  template <class F>
  void each_entry(Id dict, F&& visit) const;
  template <class F>
  void each_item(Id list, F&& visit) const;

  std::uint64_t natural(Id node, const char* rule, std::string_view what) const;  // an integer that is not negative
  bool boolean(Id node, const char* rule, std::string_view what) const;
  std::vector<std::uint64_t> naturals(Id tuple, const char* rule, std::string_view what) const;
  std::span<const Id> arguments(Id call) const { return graph_.items(graph_.arguments(call)); }
  Known known(Id node) const;  // of the global that a call calls, or that a global is

 private:
  Sort sort_of_typed(Id call) const;
  TensorRecord rebuilt(Id call, std::span<const Id> arguments) const;
  TensorRecord legacy(Id call) const;
  void read_geometry(TensorRecord& tensor, std::span<const Id> arguments) const;
  void read_metadata(TensorRecord& tensor, Id metadata) const;
  StorageRecord persistent(Id node) const;
  ArrayRecord reconstructed(Id call) const;
  ArrayRecord from_buffer(Id call) const;
  ArrayRecord permuted(ArrayRecord array, Id axes) const;
  void read_type_state(ArrayType& type, Id node, Id before) const;
  Id member(Id dict, std::string_view key) const;
  std::optional<std::pair<Id, Id>> pair_of(Id node) const;  // a list or tuple of two
  bool is_sequence(Id node) const;
  // The state of a TorchScript object; kNoNode if the node is none, or objects are not read.
  Id script_state(Id node) const;

  const ByteStore& store_;
  const Graph& graph_;
  const WrappedArrays* wrapped_ = nullptr;
  bool reads_scripts_ = false;
};

template <class F>
void Records::each_entry(Id dict, F&& visit) const {
  if (const Id state = script_state(dict); state != kNoNode) return graph_.each_member(state, visit);
  if (graph_.kind(dict) == Kind::call) {
    for (const Id argument : arguments(dict)) {
      if (graph_.kind(argument) == Kind::dict) graph_.each_member(argument, visit);
      if (graph_.kind(argument) != Kind::list) continue;
      graph_.each_item(argument, [&](Id pair) {
        const auto both = pair_of(pair);
        if (both) visit(both->first, both->second);
      });
    }
  }
  graph_.each_member(dict, visit);
}

template <class F>
void Records::each_item(Id list, F&& visit) const {
  if (const Id state = script_state(list); state != kNoNode) return graph_.each_item(state, visit);
  if (graph_.kind(list) == Kind::call) {
    for (const Id argument : arguments(list)) {
      if (is_sequence(argument)) graph_.each_item(argument, visit);
    }
  }
  graph_.each_item(list, visit);
}

inline constexpr std::size_t kMostValue = std::size_t{1} << 20;  // bytes of a text that is read as a value

// After BUILD of joblib's array wrapper, the stream has the array itself. Returns how many bytes of `rest` that are: for
// Machine::after_build(). 0 for other calls. An array of objects is a pickle of its own, which fills `objects`. The record
// of the array goes to `wrapped`, if that is given.
std::uint64_t wrapped_bytes(const ByteStore& store, const Graph& graph, Id call, Region rest, Strictness strictness,
                            Graph& objects, WrappedArrays* wrapped = nullptr);
// Decodes a payload. Throws malformed for a broken escape, and for characters past U+00FF.
std::vector<std::byte> decode_payload(const ByteStore& store, const Records::Payload& payload);

}  // namespace zt::foreign::pickle
