#include "foreign/pickle/records.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "foreign/pickle/escapes.h"

// What all records share: what a node is, and its numbers, texts and bytes.
namespace zt::foreign::pickle {
namespace {

constexpr int kMostAliases = 8;

void check_value_length(std::uint64_t length) {
  if (length <= kMostValue) return;
  throw Error(Code::unsupported, "pickle.text.long", "a text of " + std::to_string(length) + " bytes is too long");
}

void check_text(Kind kind) {
  if (kind == Kind::text || kind == Kind::string8) return;
  throw Error(Code::malformed, "pickle.text.kind", "expected a text");
}

Sort sort_of_call(Known known) {
  switch (known) {
    case Known::ordered_dict:
    case Known::default_dict:
    case Known::counter: return Sort::dict;
    case Known::torch_size:
    case Known::make_set:
    case Known::make_frozenset:
    case Known::jit_list: return Sort::list;
    case Known::codecs_encode:
    case Known::make_bytes:
    case Known::make_bytearray:
    case Known::make_complex:
    case Known::torch_device:
    case Known::torch_layout:
    case Known::np_scalar:
    case Known::np_dtype: return Sort::plain;
    case Known::np_reconstruct:
    case Known::np_frombuffer:
    case Known::joblib_wrapper:
    case Known::rebuild_device_tensor_from_numpy: return Sort::array;
    case Known::rebuild_sparse_tensor:
    case Known::rebuild_sparse_csr_tensor: return Sort::sparse;
    case Known::rebuild_tensor:
    case Known::rebuild_tensor_v2:
    case Known::rebuild_tensor_v3:
    case Known::rebuild_parameter:
    case Known::rebuild_parameter_with_state:
    case Known::rebuild_qtensor:
    case Known::rebuild_device_tensor_from_cpu:
    case Known::rebuild_meta_tensor:
    case Known::parameter:
    case Known::tensor_type: return Sort::tensor;
    case Known::jit_tag: return Sort::alias;
    default: return Sort::opaque;
  }
}

// A call whose first argument is a tensor that it stands for.
bool wraps_tensor(Known known) {
  return known == Known::rebuild_parameter || known == Known::rebuild_parameter_with_state || known == Known::parameter;
}

Sort sort_of_global(Known known) {
  switch (known) {
    case Known::type:
    case Known::tensor_type:
    case Known::storage_type:
    case Known::torch_dtype:
    case Known::torch_scheme:
    case Known::np_ndarray:
    case Known::np_type:
    case Known::ml_dtype: return Sort::plain;
    default: return Sort::opaque;
  }
}

}  // namespace

Known Records::known(Id node) const {
  if (graph_.kind(node) == Kind::global) return graph_.global(node).meaning.known;
  const Global* global = graph_.called(node);
  // Nothing that we know takes keyword arguments.
  return global == nullptr || graph_.node(node).form != Form::plain ? Known::unknown : global->meaning.known;
}

Sort Records::sort(Id node) const {
  switch (graph_.kind(node)) {
    case Kind::list:
    case Kind::tuple:
    case Kind::set: return Sort::list;
    case Kind::dict: return Sort::dict;
    case Kind::global: return sort_of_global(known(node));
    case Kind::persistent:
    case Kind::buffer: return Sort::opaque;
    case Kind::call: {
      const Known called = known(node);
      if (is_script(node)) {
        const Id state = script_state(node);
        return state == kNoNode || graph_.kind(state) == Kind::dict ? Sort::dict : Sort::list;
      }
      if (called == Known::rebuild_from_type_v2) return sort_of_typed(node);
      if (wraps_tensor(called) && !arguments(node).empty()) {
        const Sort inner = sort_of_call(known(arguments(node)[0]));
        return inner == Sort::sparse ? inner : Sort::tensor;
      }
      return sort_of_call(called);
    }
    default: return Sort::plain;
  }
}

// _rebuild_from_type_v2 makes the tensor that its first argument makes.
Sort Records::sort_of_typed(Id call) const {
  const auto given = arguments(call);
  if (given.empty() || graph_.kind(given[0]) != Kind::global) return Sort::opaque;
  const Sort made = sort_of_call(known(given[0]));
  return made == Sort::tensor || made == Sort::sparse || made == Sort::array ? made : Sort::opaque;
}

bool Records::is_script(Id node) const {
  if (!reads_scripts_ || graph_.kind(node) != Kind::call || !graph_.node(node).is_class) return false;
  const Global* global = graph_.called(node);
  if (global == nullptr || global->meaning.known != Known::unknown || !global->module.starts_with("__torch__")) {
    return false;
  }
  const Build* build = graph_.build(node);
  return build == nullptr || graph_.kind(build->state) == Kind::dict || graph_.kind(build->state) == Kind::list ||
         graph_.kind(build->state) == Kind::tuple;
}

Id Records::script_state(Id node) const {
  const Build* build = is_script(node) ? graph_.build(node) : nullptr;
  return build == nullptr ? kNoNode : build->state;
}

Id Records::target(Id node) const {
  for (int i = 0; i < kMostAliases; ++i) {
    if (graph_.kind(node) != Kind::call || sort(node) != Sort::alias) return node;
    if (arguments(node).empty()) return kNoNode;
    node = arguments(node)[0];
  }
  return kNoNode;
}

std::optional<std::pair<Id, Id>> Records::pair_of(Id node) const {
  if (graph_.kind(node) != Kind::list && graph_.kind(node) != Kind::tuple) return std::nullopt;
  if (graph_.count(node, 3) != 2) return std::nullopt;  // many calls may share a long list, so it is never walked
  std::array<Id, 2> both{};
  std::size_t count = 0;
  graph_.each_item(node, [&](Id item) { both[count++] = item; });
  return std::pair(both[0], both[1]);
}

bool Records::is_sequence(Id node) const {
  const Kind kind = graph_.kind(node);
  return kind == Kind::list || kind == Kind::tuple || kind == Kind::set;
}

std::uint64_t Records::natural(Id node, const char* rule, std::string_view what) const {
  if (graph_.kind(node) != Kind::integer || graph_.integer(node) < 0) {
    throw Error(Code::malformed, rule, std::string(what) + " is not an integer of 0 to 2^63 - 1");
  }
  return static_cast<std::uint64_t>(graph_.integer(node));
}

bool Records::boolean(Id node, const char* rule, std::string_view what) const {
  // Python 2 writes booleans as 0 and 1.
  const bool is_bit = graph_.kind(node) == Kind::integer && (graph_.integer(node) == 0 || graph_.integer(node) == 1);
  if (graph_.kind(node) != Kind::boolean && !is_bit) {
    throw Error(Code::malformed, rule, std::string(what) + " is not a boolean");
  }
  return graph_.boolean(node);
}

std::vector<std::uint64_t> Records::naturals(Id tuple, const char* rule, std::string_view what) const {
  constexpr std::size_t kMostRank = 64;
  // torch.Size is a call with a tuple.
  if (known(tuple) == Known::torch_size && arguments(tuple).size() == 1) tuple = arguments(tuple)[0];
  if (graph_.kind(tuple) != Kind::tuple) throw Error(Code::malformed, rule, std::string(what) + " is not a tuple");
  const auto items = graph_.items(tuple);
  if (items.size() > kMostRank) {
    throw Error(Code::malformed, rule,
                std::string(what) + " has " + std::to_string(items.size()) + " items: the most is 64");
  }
  std::vector<std::uint64_t> numbers;
  numbers.reserve(items.size());
  for (const Id item : items) numbers.push_back(natural(item, rule, "an item of " + std::string(what)));
  return numbers;
}

std::string_view Records::word(Id node) const {
  check_text(graph_.kind(node));
  if (!graph_.has_text(node)) {
    throw Error(Code::unsupported, "pickle.text.long",
                "a text of " + std::to_string(graph_.span(node).length) + " bytes is too long for what it names");
  }
  const std::string_view content = graph_.text(node);
  if (!is_utf8(content)) throw Error(Code::malformed, "pickle.text.utf8", "a text is not UTF-8");
  return content;
}

std::string Records::text(Id node) const {
  check_text(graph_.kind(node));
  std::string content;
  if (graph_.has_text(node)) {
    content = graph_.text(node);
  } else {
    const auto stored = payload(node);
    const std::uint64_t length = stored->range.length;
    check_value_length(length);
    std::string raw(static_cast<std::size_t>(length), '\0');
    store_.read_at(stored->range.offset, std::as_writable_bytes(std::span(raw)));
    const Form form = graph_.node(node).form;
    auto decoded = form == Form::plain     ? std::move(raw)
                   : form == Form::unicode ? decode_unicode(raw)
                                           : decode_quoted(raw);
    if (!decoded) throw Error(Code::malformed, "pickle.text.escape", "a text has a broken escape");
    content = std::move(*decoded);
  }
  if (!is_utf8(content)) throw Error(Code::malformed, "pickle.text.utf8", "a text is not UTF-8");
  return content;
}

// The bytes of text and string8 nodes stand for themselves here: who takes a text for bytes must have a call that says
// so.
std::optional<Records::Payload> Records::payload(Id node) const {
  const Node& found = graph_.node(node);
  switch (found.kind) {
    case Kind::bytes: return Payload{graph_.span(node), Packing::raw};
    case Kind::text: return Payload{graph_.span(node), found.form == Form::unicode ? Packing::unicode : Packing::utf8};
    case Kind::string8:
      if (found.form == Form::plain) return Payload{graph_.span(node), Packing::raw};
      if (graph_.has_text(node)) return Payload{graph_.span(node), Packing::quoted};
      return Payload{{found.a + 1, found.b - 2}, Packing::quoted};  // without the quotes of a long line
    case Kind::call: break;
    default: return std::nullopt;
  }
  const auto given = arguments(node);
  const Known called = known(node);
  const bool makes_bytes = called == Known::make_bytes || called == Known::make_bytearray;
  if (makes_bytes && given.empty()) return Payload{{}, Packing::raw};
  if (makes_bytes && given.size() == 1 && graph_.kind(given[0]) == Kind::bytes) return payload(given[0]);
  const bool is_encoded = called == Known::codecs_encode || called == Known::make_bytearray;
  if (!is_encoded || given.size() != 2 || graph_.kind(given[0]) != Kind::text) return std::nullopt;
  const std::string_view codec = word(given[1]);
  if (codec != "latin1" && codec != "latin-1") {
    throw Error(Code::refused, "pickle.codec.name", "bytes are made by codec " + in_quotes(codec) + ", not by latin1");
  }
  return payload(given[0]);
}

std::vector<std::byte> Records::bytes(Id node) const {
  const auto stored = payload(node);
  if (!stored) throw Error(Code::malformed, "pickle.text.kind", "expected bytes");
  check_value_length(stored->range.length);
  return decode_payload(store_, *stored);
}

Id Records::member(Id dict, std::string_view key) const {
  Id found = kNoNode;
  graph_.each_member(dict, [&](Id name, Id value) {
    if (graph_.has_text(name) && graph_.text(name) == key) found = value;
  });
  return found;
}

std::vector<std::byte> decode_payload(const ByteStore& store, const Records::Payload& payload) {
  std::string content(static_cast<std::size_t>(payload.range.length), '\0');
  store.read_at(payload.range.offset, std::as_writable_bytes(std::span(content)));
  if (payload.packing == Packing::quoted || payload.packing == Packing::unicode) {
    auto decoded = payload.packing == Packing::quoted ? decode_quoted(content) : decode_unicode(content);
    if (!decoded) throw Error(Code::malformed, "pickle.text.escape", "the text of bytes has a broken escape");
    content = std::move(*decoded);
  }
  if (payload.packing == Packing::utf8 || payload.packing == Packing::unicode) {
    if (!narrow(content)) {
      throw Error(Code::malformed, "pickle.codec.range", "a text that stands for bytes has characters past U+00FF");
    }
  }
  const auto bytes = as_bytes(content);
  return {bytes.begin(), bytes.end()};
}

}  // namespace zt::foreign::pickle
