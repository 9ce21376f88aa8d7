#include "ztensor/info.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "base/utf8.h"
#include "codec/codecs.h"
#include "container/profiles/profiles.h"
#include "source/access.h"
#include "source/state.h"

namespace zt {
namespace {

std::string hex(std::span<const std::byte> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const std::byte byte : bytes) {
    out += kDigits[static_cast<unsigned>(byte) >> 4];
    out += kDigits[static_cast<unsigned>(byte) & 15];
  }
  return out;
}

std::string json_number(double value) {
  if (std::isnan(value)) return R"({"$float": "nan"})";
  if (std::isinf(value)) return value < 0 ? R"({"$float": "-inf"})" : R"({"$float": "inf"})";
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  std::string out(text.data(), end);
  if (out.find_first_of(".e") == std::string::npos) out += ".0";  // a number with a point is a float in the file
  return out;
}

std::string json_negative(std::uint64_t n) {
  return n == ~std::uint64_t{0} ? "-18446744073709551616" : "-" + std::to_string(n + 1);
}

// Writes `items` between brackets, each with `write`.
template <class Items, class Write>
std::string json_list(const Items& items, char open, char close, const Write& write) {
  std::string out(1, open);
  for (const auto& item : items) {
    if (out.size() > 1) out += ", ";
    out += write(item);
  }
  return out + close;
}

std::string json_map(const Value::Map& members) {
  bool text_keys = true;
  for (const auto& member : members) text_keys = text_keys && member.first.text() != nullptr;
  if (text_keys) {
    return json_list(members, '{', '}', [](const auto& member) {
      return json_quote(*member.first.text()) + ": " + json_value(member.second);
    });
  }
  return R"({"$map": )" +
         json_list(members, '[', ']',
                   [](const auto& member) {
                     return "[" + json_value(member.first) + ", " + json_value(member.second) + "]";
                   }) +
         "}";
}

// What a delta is over, as the file states it: the tensor, and the file where it is another one.
std::string json_base(const SourceState& state, const model::PartRow& part) {
  const model::BaseRow* base = state.catalog.base(state.catalog.row_of(part));
  if (base == nullptr) return {};
  const auto text = [](const std::string& words) { return words.empty() ? std::string("null") : json_quote(words); };
  source::BaseEntry entry;
  try {
    if (!base->label.empty()) entry = source::base_entry(state, base->label);
  } catch (const Error&) {  // reading the tensor tells the reason
  }
  return R"(, "base": {"file": )" + text(base->label) + R"(, "name": )" + text(base->name) + R"(, "id": )" +
         text(entry.id) + R"(, "hint": )" + text(entry.hint) + "}";
}

// These members are always there. A part in another file names the file. A part in no file has no offset.
std::string json_part(const SourceState& state, const model::PartRow& part, std::string_view dtype) {
  const std::string_view digest = state.catalog.text(part.digest);
  const model::FileRow* file = state.catalog.other_file(part.recipe);
  const bool placed = part.recipe.file != model::kOwnedFile;
  return R"({"name": )" + json_quote(state.catalog.word(part.role)) + R"(, "dtype": )" + json_quote(dtype) +
         R"(, "encoding": )" + json_quote(codec::row_of(part.recipe.coding.codec).name) + R"(, "offset": )" +
         (placed ? std::to_string(part.recipe.offset) : "null") + R"(, "stored": )" +
         std::to_string(part.recipe.stored_length) + R"(, "digest": )" +
         (digest.empty() ? "null" : json_quote(digest)) +
         (file == nullptr ? "" : R"(, "shard": )" + json_quote(file->name)) + json_base(state, part) + "}";
}

std::string json_tensor(const SourceState& state, const Tensor& tensor, const model::TensorRow& row) {
  const auto parts = state.catalog.parts(row);
  std::string dtype = "null";
  std::uint64_t nbytes = 0;
  bool known = true;
  for (const model::PartRow& part : parts) {
    const std::string_view role = state.catalog.word(part.role);
    const bool main =
        tensor.layout() == "dense" ? role == "data" : role == "values" && tensor.layout().starts_with("sparse_");
    if (main && part.fault == model::kNone) dtype = json_quote(dtype_name(part.dtype));
    if (container::is_gguf(tensor.layout())) dtype = json_quote(container::gguf_type(tensor.layout()));
    known = known && part.fault == model::kNone && part.recipe.decoded_length != model::kUnknownLength &&
            !__builtin_add_overflow(nbytes, part.recipe.decoded_length, &nbytes);
  }
  std::string out =
      R"({"name": )" + json_quote(tensor.name()) + R"(, "shape": )" +
      json_list(tensor.shape(), '[', ']', [](std::uint64_t size) { return std::to_string(size); }) + R"(, "dtype": )" +
      dtype + R"(, "layout": )" + json_quote(tensor.layout()) + R"(, "nbytes": )" +
      (known ? std::to_string(nbytes) : "null") + R"(, "attributes": )" + json_value(tensor.attributes()) +
      R"(, "parts": )" + json_list(parts, '[', ']', [&](const model::PartRow& part) {
        return json_part(state, part,
                         part.fault == model::kNone ? dtype_name(part.dtype) : state.catalog.word(part.storage));
      });
  if (const auto error = tensor.unreadable()) out += R"(, "error": )" + json_quote(error->what());
  return out + "}";
}

}  // namespace

std::string json_quote(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<std::uint8_t>(text[at]);
    std::size_t length = 1;
    while (length < 4 && at + length < text.size() && (static_cast<std::uint8_t>(text[at + length]) & 0xC0) == 0x80)
      ++length;
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[at];
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\u00";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    } else if (byte < 0x80) {
      out += text[at];
    } else if (is_utf8(text.substr(at, length))) {
      out += text.substr(at, length);
      at += length - 1;
    } else {
      out += "\xEF\xBF\xBD";
    }
    ++at;
  }
  return out + "\"";
}

std::string json_value(const Value& value) {
  if (const bool* flag = value.boolean()) return *flag ? "true" : "false";
  if (const auto number = value.unsigned_integer()) return std::to_string(*number);
  if (const auto* negative = value.negative()) return json_negative(negative->number);
  if (const double* number = value.floating()) return json_number(*number);
  if (const std::string* text = value.text()) return json_quote(*text);
  if (const auto* bytes = value.bytes()) return R"({"$bytes": ")" + hex(*bytes) + R"("})";
  if (const auto* items = value.array())
    return json_list(*items, '[', ']', [](const Value& item) { return json_value(item); });
  if (const auto* members = value.members()) return json_map(*members);
  if (const auto* simple = value.simple()) return R"({"$simple": )" + std::to_string(simple->number) + "}";
  if (const auto* tag = value.tag()) {
    return R"({"$tag": )" + std::to_string(tag->number) + R"(, "value": )" + json_value(tag->content) + "}";
  }
  return "null";
}

std::string info_json(const Source& source) {
  const SourceState& state = *Access::state(source);
  std::string out = R"({"file": )" + json_quote(state.name) + R"(, "format": )" + json_quote(source.format()) +
                    R"(, "attributes": )" + json_value(source.attributes()) + R"(, "tensors": [)";
  for (std::uint32_t row = 0; row < state.catalog.shown(); ++row) {
    if (row > 0) out += ", ";
    out += json_tensor(state, source[row], state.catalog.tensor(row));
  }
  out += "]";
  if (const auto schemes = quantization_schemes(source); !schemes.empty()) {
    out += R"(, "quantization": )" + json_list(schemes, '[', ']', [](const QuantizationScheme& scheme) {
             return R"({"scheme": )" + json_quote(scheme.name) + R"(, "weights": )" +
                    (scheme.weights == 0 ? "null" : std::to_string(scheme.weights)) + "}";
           });
  }
  return out + "}";
}

}  // namespace zt
