#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/checked.h"
#include "base/count_text.h"
#include "base/utf8.h"
#include "foreign/pickle/machine.h"
#include "foreign/pickle/records.h"

// The arrays of NumPy.
namespace zt::foreign::pickle {
namespace {

struct ArrayCode {
  std::string_view code;
  DType dtype;
};

constexpr ArrayCode kArrayCodes[] = {
    {"f2", DType::f16},       {"f4", DType::f32},         {"f8", DType::f64}, {"i1", DType::i8},
    {"i2", DType::i16},       {"i4", DType::i32},         {"i8", DType::i64}, {"u1", DType::u8},
    {"u2", DType::u16},       {"u4", DType::u32},         {"u8", DType::u64}, {"b1", DType::boolean},
    {"c8", DType::complex64}, {"c16", DType::complex128},
};

[[noreturn]] void broken(const char* rule, const std::string& message) { throw Error(Code::malformed, rule, message); }

// Bytes of an element of a type that we do not have: "U4", "S10", "V8", "M8", "f16". 0 if the code is unknown.
std::uint64_t bytes_of_code(std::string_view code) {
  constexpr std::string_view kKinds = "USVMmfcOa";
  std::uint64_t size = 0;
  if (code.size() < 2 || kKinds.find(code[0]) == std::string_view::npos) return 0;
  const auto [end, error] = std::from_chars(code.data() + 1, code.data() + code.size(), size);
  if (error != std::errc() || end != code.data() + code.size() || size > 0x7FFFFFFF) return 0;
  return code[0] == 'U' ? 4 * size : size;
}

std::vector<std::uint64_t> column_major(const std::vector<std::uint64_t>& shape) {
  std::vector<std::uint64_t> strides(shape.size());
  std::uint64_t stride = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    strides[i] = stride;
    stride *= std::max<std::uint64_t>(shape[i], 1);  // the caller has checked that the product fits
  }
  return strides;
}

void check_elements(const std::vector<std::uint64_t>& shape, std::uint64_t item_bytes) {
  const auto elements = checked::elements(shape);
  if (!elements || !checked::multiply(*elements, std::max<std::uint64_t>(item_bytes, 1))) {
    broken("pickle.shape.overflow", "the shape has more bytes than 64 bits count");
  }
}

}  // namespace

// A dtype is numpy.dtype(code, False, True) and gets the state (3, order, subdtype, names, fields, itemsize, alignment,
// flags). It must have got its state before node `before`: the writer finishes a dtype before it uses it.
ArrayType Records::array_type(Id node, Id before) const {
  const auto given = graph_.kind(node) == Kind::call ? arguments(node) : std::span<const Id>();
  if (known(node) != Known::np_dtype || graph_.kind(node) != Kind::call || given.empty()) {
    broken("pickle.dtype.form", "a dtype is not a call of numpy.dtype");
  }
  ArrayType type;
  if (graph_.kind(given[0]) == Kind::global) {
    const Global& global = graph_.global(given[0]);
    type.name = global.name;
    if (global.meaning.known == Known::ml_dtype || global.meaning.known == Known::np_type) {
      type.dtype = global.meaning.dtype;
    }
  } else {
    type.name = word(given[0]);
    const auto found = std::ranges::find(kArrayCodes, type.name, &ArrayCode::code);
    if (found != std::end(kArrayCodes)) type.dtype = found->dtype;
    type.is_object = type.name == "O8" || type.name == "O4" || type.name == "O";
    type.item_bytes = bytes_of_code(type.name);
  }
  if (type.dtype) type.item_bytes = dtype_bits(*type.dtype) / 8;
  read_type_state(type, node, before);
  return type;
}

void Records::read_type_state(ArrayType& type, Id node, Id before) const {
  const Build* build = graph_.build(node);
  if (build == nullptr) return;
  if (build->before > before) broken("pickle.dtype.late", "a dtype gets its state after an array has used it");
  const auto state = graph_.items(build->state);
  if (state.size() < 8 || state.size() > 9) broken("pickle.dtype.state", "the state of a dtype has not 8 or 9 items");
  const std::uint64_t version = natural(state[0], "pickle.dtype.state", "the version of a dtype's state");
  if (version != 3 && version != 4) {
    broken("pickle.dtype.state", "the state of a dtype has version " + std::to_string(version) + ": expected 3 or 4");
  }
  const std::string_view order = word(state[1]);
  if (order != "<" && order != ">" && order != "|" && order != "=") {
    broken("pickle.dtype.order", "a dtype has the byte order " + in_quotes(order));
  }
  type.is_big_endian = order == ">" && type.item_bytes > 1;
  const auto number = [&](Id item) {
    if (graph_.kind(item) != Kind::integer)
      broken("pickle.dtype.state", "a size in the state of a dtype is no integer");
    return graph_.integer(item);
  };
  const std::int64_t size = number(state[5]);
  const bool is_plain = graph_.kind(state[2]) == Kind::none && graph_.kind(state[3]) == Kind::none;
  if (is_plain && type.dtype && size != -1 && size != static_cast<std::int64_t>(type.item_bytes)) {
    broken("pickle.dtype.itemsize",
           "dtype " + in_quotes(type.name) + " claims elements of " + std::to_string(size) + " bytes");
  }
  if (number(state[6]) < -1) broken("pickle.dtype.state", "a dtype has a negative alignment");
  constexpr std::int64_t kHasObjects = 1;  // a flag
  type.is_object = type.is_object || (number(state[7]) & kHasObjects) != 0;
  if (!is_plain || !type.dtype) {
    type.dtype = std::nullopt;
    if (size >= 0) type.item_bytes = static_cast<std::uint64_t>(size);
  }
}

ArrayRecord Records::array(Id node) const {
  switch (known(node)) {
    case Known::np_reconstruct: return reconstructed(node);
    case Known::np_frombuffer: return from_buffer(node);
    case Known::joblib_wrapper:
      if (wrapped_ != nullptr && wrapped_->contains(node)) return wrapped_->at(node);
      break;
    default: break;
  }
  throw Error(Code::unsupported, "pickle.array.form", "arrays in this form are not supported");
}

// _reconstruct(ndarray, (0,), b'b') gets the state (1, shape, dtype, is_fortran, payload).
ArrayRecord Records::reconstructed(Id call) const {
  const auto given = arguments(call);
  if (given.size() != 3) broken("pickle.array.form", "_reconstruct has not three arguments");
  if (known(given[0]) != Known::np_ndarray) {
    throw Error(Code::refused, "pickle.array.class", "the array is of a class other than numpy.ndarray");
  }
  const Build* build = graph_.build(call);
  if (build == nullptr) broken("pickle.array.state", "the array has no state");
  const auto state = graph_.items(build->state);
  if (state.size() != 5 || natural(state[0], "pickle.array.state", "the version of an array's state") != 1) {
    broken("pickle.array.state", "the state of the array is not a tuple of version 1 and five items");
  }
  ArrayRecord array;
  array.shape = naturals(state[1], "pickle.array.shape", "the shape");
  array.type = array_type(state[2], build->state);
  check_elements(array.shape, array.type.item_bytes);
  if (graph_.kind(state[3]) != Kind::boolean && graph_.kind(state[3]) != Kind::integer) {
    broken("pickle.array.order", "the order of the array is not a boolean");
  }
  if (boolean(state[3], "pickle.array.order", "the order of the array")) array.strides = column_major(array.shape);
  if (array.type.is_object) return array;
  const auto stored = payload(state[4]);
  if (!stored || graph_.kind(state[4]) == Kind::text)
    broken("pickle.array.payload", "the array's payload is not bytes");
  array.payload = stored->range;
  array.packing = stored->packing;
  return array;
}

// _frombuffer(bytes, dtype, shape, 'C' or 'F'), or with 'K' and the order of the axes.
ArrayRecord Records::from_buffer(Id call) const {
  const auto given = arguments(call);
  if (given.size() != 4 && given.size() != 5) broken("pickle.array.form", "_frombuffer has not four or five arguments");
  ArrayRecord array;
  array.type = array_type(given[1], graph_.arguments(call));
  array.shape = naturals(given[2], "pickle.array.shape", "the shape");
  check_elements(array.shape, array.type.item_bytes);
  const auto stored = payload(given[0]);
  if (!stored || stored->packing != Packing::raw) broken("pickle.array.payload", "the array's buffer is not bytes");
  array.payload = stored->range;
  const std::string_view order = word(given[3]);
  if (order == "F") array.strides = column_major(array.shape);
  if (order == "K" && given.size() == 5) return permuted(std::move(array), given[4]);
  if (order != "C" && order != "F") broken("pickle.array.order", "the array has the order " + in_quotes(order));
  return array;
}

// Axis i of the array is axis axes[i] of what the bytes hold in row-major order.
ArrayRecord Records::permuted(ArrayRecord array, Id axes) const {
  const auto order = naturals(axes, "pickle.array.order", "the order of the axes");
  const std::size_t rank = array.shape.size();
  std::vector<std::uint64_t> strides(rank);
  std::uint64_t stride = 1;
  for (std::size_t i = rank; i-- > 0; stride *= std::max<std::uint64_t>(array.shape[i], 1)) strides[i] = stride;
  std::vector<bool> is_used(rank);
  std::vector<std::uint64_t> shape(rank);
  array.strides.resize(rank);
  for (std::size_t i = 0; i < rank; ++i) {
    if (order.size() != rank || order[i] >= rank || is_used[static_cast<std::size_t>(order[i])]) {
      broken("pickle.array.order", "the order of the axes is not a permutation");
    }
    const auto from = static_cast<std::size_t>(order[i]);
    is_used[from] = true;
    shape[i] = array.shape[from];
    array.strides[i] = strides[from];
  }
  array.shape = std::move(shape);
  return array;
}

Id Records::objects(Id array) const {
  const Build* build = known(array) == Known::np_reconstruct ? graph_.build(array) : nullptr;
  const auto state = build == nullptr ? std::span<const Id>() : graph_.items(build->state);
  if (state.size() != 5 || graph_.kind(state[4]) != Kind::list) return kNoNode;
  return array_type(state[2], build->state).is_object ? state[4] : kNoNode;
}

// joblib's wrapper gets a dict as its state, and the array's bytes follow the opcode: first one byte, which counts bytes
// of padding, if the state has an alignment.
ArrayRecord Records::wrapped(Id call) const {
  constexpr std::uint64_t kMostFields = 32;  // many wrappers may share a dict
  const Build* build = graph_.build(call);
  if (build == nullptr || graph_.kind(build->state) != Kind::dict ||
      graph_.count(build->state, kMostFields + 1) > kMostFields) {
    broken("pickle.array.state", "the wrapper of an array has no dict of at most 32 items as its state");
  }
  const auto field = [&](std::string_view key) {
    const Id value = member(build->state, key);
    if (value == kNoNode) broken("pickle.array.state", "the wrapper of an array has no " + in_quotes(key));
    return value;
  };
  ArrayRecord array;
  array.type = array_type(field("dtype"));
  array.shape = naturals(field("shape"), "pickle.array.shape", "the shape");
  check_elements(array.shape, array.type.item_bytes);
  const std::string_view order = word(field("order"));
  if (order != "C" && order != "F") broken("pickle.array.order", "the array has the order " + in_quotes(order));
  if (order == "F") array.strides = column_major(array.shape);
  if (array.type.is_object) return array;
  array.payload.offset = build->position;
  array.payload.length = *checked::elements(array.shape) * array.type.item_bytes;
  const Id alignment = member(build->state, "numpy_array_alignment_bytes");
  if (alignment != kNoNode && graph_.kind(alignment) != Kind::none) {
    std::array<std::byte, 1> padding;
    store_.read_at(build->position, padding);
    array.payload.offset += 1 + std::to_integer<std::uint64_t>(padding[0]);
  }
  array.is_ndarray = known(field("subclass")) == Known::np_ndarray;
  return array;
}

std::uint64_t wrapped_bytes(const ByteStore& store, const Graph& graph, Id call, Region rest, Strictness strictness,
                            Graph& objects, WrappedArrays* wrapped) {
  const Records records(store, graph);
  if (records.known(call) != Known::joblib_wrapper) return 0;
  const ArrayRecord array = records.wrapped(call);
  if (wrapped != nullptr) wrapped->emplace(call, array);
  if (array.type.is_object) {
    return Machine(store, rest, objects, strictness).run() - rest.offset;
  }
  if (array.type.item_bytes == 0) {
    throw Error(Code::unsupported, "pickle.dtype.unknown", "dtype " + in_quotes(array.type.name) + " is not known");
  }
  const std::uint64_t before = array.payload.offset - rest.offset;
  return checked::add_up(before, array.payload.length);
}

}  // namespace zt::foreign::pickle
