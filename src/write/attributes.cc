#include "write/attributes.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/utf8.h"
#include "source/hidden.h"
#include "wire/cbor.h"
#include "write/names.h"
#include "ztensor/error.h"

namespace zt::write {
namespace {

// Reduces a value to deterministic CBOR: tags are dropped around their content, undefined and simple values become
// null, NaNs lose their payload, and the first of equal keys of a map stays. The recursion is bounded: parsing limits
// the depth of a value.
Value reduced(const Value& value) {
  if (value.tag() != nullptr) return reduced(value.tag()->content);
  if (value.is_undefined() || value.simple() != nullptr) return {};
  if (value.floating() != nullptr && std::isnan(*value.floating())) {
    return Value(std::numeric_limits<double>::quiet_NaN());
  }
  if (const auto* items = value.array()) {
    Value::Array kept;
    for (const Value& item : *items) kept.push_back(reduced(item));
    return Value(std::move(kept));
  }
  if (const auto* members = value.members()) {
    Value::Map kept;
    std::set<std::vector<std::byte>> seen;
    for (const auto& [key, held] : *members) {
      Value simple = reduced(key);
      if (seen.insert(simple.encode()).second) kept.emplace_back(std::move(simple), reduced(held));
    }
    return Value(std::move(kept));
  }
  return value;
}

// Whether readers with a fixed limit for the depth of the index accept the value.
bool is_shallow(const Value& value, const model::Encoder& encoder, bool of_file) {
  try {
    static_cast<void>(value.encode_sorted(Value::Sorted::any, attribute_depth(encoder, of_file, {}) - 1));
    return true;
  } catch (const Error&) {
    return false;
  }
}

// Attributes that the library keeps for itself: foreign formats do not get them.
bool is_left_out(const Value& key, const model::Encoder& encoder) {
  if (encoder.holds.own_attributes || key.text() == nullptr || !key.text()->starts_with("ztensor.")) return false;
  const std::string_view kept = encoder.holds.kept_attributes;
  return kept.empty() || !key.text()->starts_with(kept);
}

// What it is of an attribute of a file that the format cannot hold, or "".
std::string fault_of(const std::string& key, const Value& value, const model::Encoder& encoder) {
  return encoder.attribute_fault == nullptr ? "" : encoder.attribute_fault(key, value.encode());
}

// The attribute as the format can hold it, or nothing.
std::optional<Value> reduced_attribute(const Value& key, const Value& value, const model::Encoder& encoder,
                                       bool of_file) {
  if (key.text() == nullptr) return std::nullopt;
  if (of_file && !encoder.holds.file_attributes) return std::nullopt;
  if (of_file && encoder.holds.only_text_attributes && value.text() == nullptr) return std::nullopt;
  if (of_file && !fault_of(*key.text(), value, encoder).empty()) return std::nullopt;
  if (!encoder.holds.deterministic_attributes) return value;
  if (!fault_of_name(*key.text()).empty()) return std::nullopt;
  Value kept = reduced(value);
  if (!is_shallow(kept, encoder, of_file)) return std::nullopt;
  return kept;
}

std::string key_text(const Value& key) {
  return key.text() != nullptr ? in_quotes(*key.text()) : "whose key is not text";
}

}  // namespace

void check_unreserved(const Value& attributes, bool of_file) {
  if (attributes.members() == nullptr) return;
  for (const auto& [key, value] : *attributes.members()) {
    if (key.text() == nullptr) continue;
    if (of_file ? source::names_base(key) : *key.text() == source::kDeltaKey) {
      throw Error(Code::usage, "",
                  "the attribute " + in_quotes(*key.text()) +
                      " says what a tensor is a delta over, and only zTensor writes it: choose another key");
    }
  }
}

std::uint32_t attribute_depth(const model::Encoder& encoder, bool of_file, const Limits& limits) {
  if (encoder.holds.index_depth > 0) return encoder.holds.index_depth - (of_file ? 1 : 3);
  return limits.depth > 4 ? limits.depth - 4 : 0;
}

std::vector<std::byte> encode_attributes(const Value& attributes, const model::Encoder& encoder, bool of_file,
                                         const Limits& limits) {
  if (attributes.is_null()) return {};
  if (!attributes.is_map()) throw Error(Code::usage, "", "the attributes are not a map: give a map with text keys");
  Value::Map kept;
  std::set<std::string_view> keys;
  for (const auto& [key, value] : *attributes.members()) {
    if (key.text() == nullptr) throw Error(Code::usage, "", "a key of the attributes is not text: give text keys");
    if (is_left_out(key, encoder)) continue;
    if (!of_file && !encoder.holds.taken_attribute.empty() && *key.text() == encoder.holds.taken_attribute) {
      throw Error(Code::usage, "",
                  "attribute " + in_quotes(*key.text()) + " belongs to format " + std::string(encoder.title) +
                      ": choose another name");
    }
    if (encoder.holds.deterministic_attributes && !fault_of_name(*key.text()).empty()) {
      throw Error(Code::usage, "", "attribute " + in_quotes(*key.text()) + ": its key " + fault_of_name(*key.text()));
    }
    if (of_file && !encoder.holds.file_attributes) {
      throw Error(
          Code::unsupported, "",
          "attribute " + in_quotes(*key.text()) + ": format " + std::string(encoder.title) + " holds no attributes");
    }
    if (of_file && encoder.holds.only_text_attributes && value.text() == nullptr) {
      throw Error(
          Code::unsupported, "",
          "attribute " + in_quotes(*key.text()) + ": format " + std::string(encoder.title) + " holds only text");
    }
    const bool once = encoder.holds.only_text_attributes || encoder.attribute_fault != nullptr;
    if (once && !keys.insert(*key.text()).second) {
      throw Error(Code::usage, "", "attribute " + in_quotes(*key.text()) + " is given twice");
    }
    if (const std::string fault = of_file ? fault_of(*key.text(), value, encoder) : ""; !fault.empty()) {
      throw Error(Code::unsupported, "", "format " + std::string(encoder.title) + " cannot hold " + fault);
    }
    kept.emplace_back(key, value);
  }
  const bool deterministic = encoder.holds.deterministic_attributes;
  if (kept.empty() && !attributes.members()->empty()) return {};
  const Value stored(std::move(kept));
  std::vector<std::byte> cbor = deterministic ? stored.encode_sorted() : stored.encode();
  try {
    wire::CborCursor(cbor, {.strict = deterministic, .depth = attribute_depth(encoder, of_file, limits)}).skip();
  } catch (const Error& error) {
    throw Error(Code::usage, "", std::string("attributes cannot be stored: ") + error.what());
  }
  return cbor;
}

Value merged_attributes(const Value& former, const Value& added) {
  if (added.is_null()) return former;
  if (!added.is_map() || !former.is_map()) return added;
  Value::Map merged = *former.members();
  for (const auto& [key, value] : *added.members()) {
    const auto found = std::ranges::find(merged, key, &std::pair<Value, Value>::first);
    if (found == merged.end()) {
      merged.emplace_back(key, value);
    } else {
      found->second = value;
    }
  }
  return Value(std::move(merged));
}

std::vector<Loss> losses_of_attributes(const Value& attributes, const model::Encoder& encoder, bool of_file) {
  std::vector<Loss> losses;
  if (attributes.members() == nullptr || attributes.members()->empty()) return losses;
  if (!of_file && !encoder.holds.tensor_attributes) return {{"its attributes"}};
  for (const auto& [key, value] : *attributes.members()) {
    if (is_left_out(key, encoder)) continue;
    const auto kept = reduced_attribute(key, value, encoder, of_file);
    if (!kept) {
      const std::string fault = of_file && key.text() != nullptr ? fault_of(*key.text(), value, encoder) : "";
      losses.push_back({fault.empty() ? "attribute " + key_text(key) : fault});
    } else if (!(*kept == value)) {
      losses.push_back(
          {"attribute " + key_text(key) + ": CBOR tags, undefined values, NaN payloads or repeated keys in it"});
    }
  }
  return losses;
}

Value reduced_attributes(const Value& attributes, const model::Encoder& encoder, bool of_file) {
  if (attributes.members() == nullptr || (!of_file && !encoder.holds.tensor_attributes)) return {};
  Value::Map kept;
  for (const auto& [key, value] : *attributes.members()) {
    if (is_left_out(key, encoder)) continue;
    if (auto left = reduced_attribute(key, value, encoder, of_file)) kept.emplace_back(key, std::move(*left));
  }
  return Value(std::move(kept));
}

}  // namespace zt::write
