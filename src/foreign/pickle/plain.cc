#include "foreign/pickle/plain.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <system_error>

#include "base/count_text.h"
#include "base/endian.h"
#include "base/utf8.h"
#include "foreign/pickle/keys.h"

namespace zt::foreign::pickle {
namespace {

constexpr std::size_t kMostNotes = 64;
constexpr std::size_t kMostLevels = 64;
constexpr std::uint64_t kMostScalar = 64;  // bytes in which one number may stand

bool is_container(Sort sort) { return sort == Sort::list || sort == Sort::dict; }

template <class T>
T loaded(const std::vector<std::byte>& bytes, bool is_big_endian) {
  T bits = endian::load_le<T>(bytes.data());
  return is_big_endian ? endian::swap(bits) : bits;
}

std::int64_t widened(std::uint64_t bits, unsigned width) {
  const unsigned shift = 64 - width;
  return static_cast<std::int64_t>(bits << shift) >> shift;
}

std::optional<Value> number(DType dtype, const std::vector<std::byte>& bytes, bool is_big_endian) {
  const unsigned width = dtype_bits(dtype);
  std::uint64_t bits = 0;
  if (width == 8) bits = std::to_integer<std::uint64_t>(bytes[0]);
  if (width == 16) bits = loaded<std::uint16_t>(bytes, is_big_endian);
  if (width == 32) bits = loaded<std::uint32_t>(bytes, is_big_endian);
  if (width == 64) bits = loaded<std::uint64_t>(bytes, is_big_endian);
  switch (dtype) {
    case DType::boolean: return Value(bits != 0);
    case DType::u8:
    case DType::u16:
    case DType::u32:
    case DType::u64: return Value(bits);
    case DType::i8:
    case DType::i16:
    case DType::i32:
    case DType::i64: return Value(widened(bits, width));
    case DType::f64: return Value(std::bit_cast<double>(bits));
    case DType::f32: return Value(static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits))));
    case DType::f16: return Value(static_cast<double>(static_cast<float>(float16{static_cast<std::uint16_t>(bits)})));
    case DType::bf16: return Value(static_cast<double>(static_cast<float>(bfloat16{static_cast<std::uint16_t>(bits)})));
    default: return std::nullopt;
  }
}

}  // namespace

void Notes::add(std::string note) {
  if (seen_.contains(note)) return;
  if (notes_.size() == kMostNotes) {
    ++more_;
    return;
  }
  notes_.push_back(note);
  seen_.insert(std::move(note));
}

std::vector<std::string> Notes::take() {
  if (more_ != 0) notes_.push_back("and " + count_text(more_, "more note", "more notes") + " of this kind");
  return std::move(notes_);
}

// scalar(dtype, bytes).
std::optional<Value> scalar_value(const Records& records, Id call) {
  const auto given = records.arguments(call);
  if (given.size() != 2) return std::nullopt;
  const ArrayType type = records.array_type(given[0], records.graph().arguments(call));
  if (!type.dtype) return std::nullopt;
  const auto stored = records.payload(given[1]);
  if (!stored || stored->range.length > kMostScalar) return std::nullopt;
  const auto bytes = records.bytes(given[1]);
  if (bytes.size() != type.item_bytes) return std::nullopt;
  return number(*type.dtype, bytes, type.is_big_endian);
}

std::string object_name(const Records& records, Id node) {
  const Graph& graph = records.graph();
  if (graph.kind(node) == Kind::global) return graph.global(node).full();
  const Global* global = graph.called(node);
  if (global != nullptr && global->meaning.known == Known::make_object && !records.arguments(node).empty()) {
    const Id type = records.arguments(node)[0];
    if (graph.kind(type) == Kind::global) global = &graph.global(type);
  }
  if (global != nullptr) return global->full();
  return graph.kind(node) == Kind::persistent ? "a storage or an object outside of the pickle" : "the result of a call";
}

std::optional<Value> PlainReader::read(Id node, std::string_view path) {
  node = records_.target(node);
  if (node == kNoNode) {
    notes_.add("in " + in_quotes(path) + ", a value is left out whose type tags nest too deep");
    return std::nullopt;
  }
  if (!take(1)) return std::nullopt;
  if (!is_container(records_.sort(node))) return leaf(node, path);
  std::vector<Frame> frames;
  frames.push_back(open(node, path));
  for (;;) {
    Frame& frame = frames.back();
    if (frame.next == 0 && !take(frame.entries.size())) return std::nullopt;
    std::optional<Value> value;
    if (frame.next < frame.entries.size()) {
      const Id child = records_.target(frame.entries[frame.next].second);
      if (child != kNoNode && is_container(records_.sort(child))) {
        if (frames.size() == kMostLevels) {
          throw Error(Code::limit, "pickle.depth.limit", "containers nest deeper than 64 levels");
        }
        frames.push_back(open(child, path));  // its parent takes it when it is whole
        continue;
      }
      value = child == kNoNode ? std::nullopt : leaf(child, path);
    } else {
      value = frame.is_dict ? Value(std::move(frame.members)) : Value(std::move(frame.items));
      frames.pop_back();
      if (frames.empty()) return value;
    }
    Frame& parent = frames.back();
    std::string& key = parent.entries[parent.next++].first;
    if (!parent.is_dict) {
      parent.items.push_back(value ? std::move(*value) : Value());  // the other items keep their places
    } else if (value) {
      parent.members.emplace_back(Value(std::move(key)), std::move(*value));
    }
  }
}

bool PlainReader::take(std::uint64_t values) {
  if (values > values_left_) {
    notes_.add("plain values are left out: the attributes of a file have at most " + std::to_string(kMostValues) +
               " values");
    return false;
  }
  values_left_ -= values;
  return true;
}

PlainReader::Frame PlainReader::open(Id container, std::string_view path) {
  Frame frame;
  frame.is_dict = records_.sort(container) == Sort::dict;
  if (!frame.is_dict) {
    records_.each_item(container, [&](Id item) {
      budget_.spend(16);
      frame.entries.emplace_back(std::string(), item);
    });
    budget_.spend(64);
    return frame;
  }
  std::set<std::string, std::less<>> seen;  // an attribute has one name for the keys "1" and 1
  for (Entry& entry : entries_of(records_, container, budget_, [](const Entry&, Id) {})) {
    if (!entry.text) {
      notes_.add("in " + in_quotes(path) +
                 ", a value is left out whose key is no name: neither short text nor an integer");
    } else if (!seen.insert(*entry.text).second) {
      notes_.add("in " + in_quotes(path) + ", a value is left out: two keys have the name " + in_quotes(*entry.text));
    } else {
      frame.entries.emplace_back(std::move(*entry.text), entry.value);
    }
  }
  return frame;
}

std::optional<Value> PlainReader::leaf(Id node, std::string_view path) {
  budget_.spend(16);
  const Sort sort = records_.sort(node);
  if (sort == Sort::opaque) {
    notes_.add(in_quotes(path) + " has an object " + in_quotes(object_name(records_, node)) + ", which is left out");
    return std::nullopt;
  }
  if (sort != Sort::plain) {
    notes_.add("in " + in_quotes(path) + ", a tensor is left out that stands among plain values");
    return std::nullopt;
  }
  std::optional<Value> value;
  try {
    value = known_leaf(node);
  } catch (const Error& error) {
    if (error.code() == Code::io || error.code() == Code::limit) throw;
    notes_.add("in " + in_quotes(path) + ", a value is left out: " + error.what());
    return std::nullopt;
  }
  if (!value) notes_.add("in " + in_quotes(path) + ", a value is left out that is no attribute");
  return value;
}

std::optional<Value> PlainReader::known_leaf(Id node) const {
  const Graph& graph = records_.graph();
  switch (graph.kind(node)) {
    case Kind::none: return Value();
    case Kind::boolean: return Value(graph.boolean(node));
    case Kind::integer: return Value(graph.integer(node));
    case Kind::big_integer: return big_integer(node);
    case Kind::floating: return Value(graph.floating(node));
    case Kind::text: budget_.spend(graph.span(node).length); return Value(records_.text(node));
    case Kind::string8:
    case Kind::bytes: {
      budget_.spend(graph.span(node).length);
      auto bytes = records_.bytes(node);
      if (graph.kind(node) == Kind::string8 && is_utf8(as_text(bytes))) return Value(as_text(bytes));
      return Value(std::move(bytes));
    }
    case Kind::global: return spent(graph.global(node).full());
    case Kind::call: return call_value(node);
    default: return std::nullopt;
  }
}

Value PlainReader::spent(std::string name) const {
  budget_.spend(name.size());
  return Value(std::move(name));
}

std::optional<Value> PlainReader::call_value(Id call) const {
  const Graph& graph = records_.graph();
  const auto given = records_.arguments(call);
  switch (records_.known(call)) {
    case Known::np_scalar: return scalar_value(records_, call);
    case Known::np_dtype: return spent(records_.array_type(call).name);
    case Known::torch_layout:
      if (given.empty()) return std::nullopt;
      return spent(std::string(records_.word(given[0])));
    case Known::torch_device: {
      if (given.empty()) return std::nullopt;
      std::string device(records_.word(given[0]));
      if (given.size() > 1 && graph.kind(given[1]) == Kind::integer) {
        device += ":" + std::to_string(graph.integer(given[1]));
      }
      return spent(std::move(device));
    }
    case Known::make_complex: {
      const bool is_pair =
          given.size() == 2 && graph.kind(given[0]) == Kind::floating && graph.kind(given[1]) == Kind::floating;
      if (!is_pair) return std::nullopt;
      return Value(Value::Array{Value(graph.floating(given[0])), Value(graph.floating(given[1]))});
    }
    default: {
      const auto stored = records_.payload(call);
      if (!stored) return std::nullopt;
      budget_.spend(stored->range.length);
      return Value(records_.bytes(call));
    }
  }
}

// An integer that needs all 64 bits for its magnitude still is an attribute.
std::optional<Value> PlainReader::big_integer(Id node) const {
  const Graph& graph = records_.graph();
  const std::string_view content = graph.text(node);
  if (graph.node(node).form == Form::plain && content.size() == 9 && content[8] == '\0') {
    return Value(endian::load_le<std::uint64_t>(as_bytes(content).data()));
  }
  std::uint64_t number = 0;
  const char* end = content.data() + content.size();
  const auto [stopped, error] = std::from_chars(content.data(), end, number);
  if (graph.node(node).form == Form::quoted && error == std::errc() && stopped == end) return Value(number);
  return std::nullopt;
}

}  // namespace zt::foreign::pickle
