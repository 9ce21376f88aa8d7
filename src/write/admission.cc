#include "write/admission.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/checked.h"
#include "base/utf8.h"
#include "container/profiles/profiles.h"
#include "container/zt2/footer.h"
#include "wire/cbor.h"
#include "wire/normal_form.h"
#include "ztensor/error.h"

namespace zt::write {
namespace {

constexpr std::size_t kMaxNameBytes = 1024;

// What is wrong with a name, or "".
std::string fault_of_name(std::string_view name) {
  if (name.empty()) return "is empty";
  if (name.size() > kMaxNameBytes) return "has " + std::to_string(name.size()) + " bytes: at most 1024";
  if (name.find('\0') != std::string_view::npos) return "holds a NUL";
  if (!is_utf8(name)) return "is not UTF-8";
  return "";
}

// A value with what deterministic CBOR lacks taken out of it: tags are dropped around their content, undefined and
// simple values become null, a NaN the one NaN, and of equal keys of a map the first stays. Values are walked by
// recursion: their depth was bounded when they were parsed.
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

// Whether strict readers take a value so deep in their index.
bool is_shallow(const Value& value, bool of_file) {
  try {
    value.encode_sorted(Value::Sorted::any, strict_attribute_depth(of_file) - 1);
    return true;
  } catch (const Error&) {
    return false;
  }
}

// What is left of one attribute, or nothing.
std::optional<Value> reduced_attribute(const Value& key, const Value& value, const model::Encoder& encoder,
                                       bool of_file) {
  if (key.text() == nullptr) return std::nullopt;
  if (of_file && encoder.holds.only_text_attributes && value.text() == nullptr) return std::nullopt;
  if (!encoder.holds.strict) return value;
  if (!fault_of_name(*key.text()).empty()) return std::nullopt;
  Value kept = reduced(value);
  if (!is_shallow(kept, of_file)) return std::nullopt;
  return kept;
}

std::string key_text(const Value& key) {
  return key.text() != nullptr ? in_quotes(*key.text()) : "whose key is no text";
}

// The parts that a layout has; empty for a layout that is not ours.
std::vector<std::string_view> roles_of(std::string_view layout) {
  if (layout == "dense") return {"data"};
  if (layout == "sparse_csr") return {"values", "indices", "indptr"};
  if (layout == "sparse_coo") return {"values", "coords"};
  return {};
}

// Multiplied from left to right, as strict readers do: a zero behind an overflow does not help.
bool overflows(std::span<const std::uint64_t> shape) {
  std::uint64_t product = 1;
  for (const std::uint64_t dimension : shape) {
    const auto next = checked::multiply(product, dimension);
    if (!next) return true;
    product = *next;
  }
  return false;
}

// In strict formats layouts and roles are names too, and no object is empty.
void add_name_losses(const Tensor& tensor, std::vector<Loss>& losses) {
  const auto add = [&](std::string_view what, std::string_view name) {
    const std::string fault = fault_of_name(name);
    if (!fault.empty()) losses.push_back({std::string(what) + " " + in_quotes(name) + ", which " + fault, true});
  };
  add("its layout", tensor.layout());
  for (std::size_t i = 0; i < tensor.parts(); ++i) add("part", tensor.part(i).role());
  if (tensor.parts() == 0) losses.push_back({"a tensor without parts", true});
}

// What breaks the rules of a quantized layout, which 1.x files may, would be a broken tensor there.
void add_profile_losses(const Tensor& tensor, std::vector<Loss>& losses) {
  std::vector<container::ProfilePart> parts;
  for (std::size_t i = 0; i < tensor.parts(); ++i) {
    const Part part = tensor.part(i);
    parts.push_back({part.role(), part.dtype(), part.length()});
  }
  const Value attributes = tensor.attributes();
  try {
    container::check_profile(
        {.layout = tensor.layout(), .shape = tensor.shape(), .attributes = attributes, .parts = parts});
  } catch (const Error& error) {
    losses.push_back(
        {"a tensor that breaks the rules of layout " + in_quotes(tensor.layout()) + " (" + error.what() + ")", true});
  }
}

void add_part_losses(const Part& part, const model::Encoder& encoder, std::vector<Loss>& losses) {
  if (!encoder.storage(part.dtype()).empty()) return;
  const std::string dtype(dtype_name(part.dtype()));
  const auto stored = stored_dtype(part.dtype(), encoder);
  if (stored) {
    losses.push_back({"part " + in_quotes(part.role()) + ": its dtype, " + dtype + ": it becomes " +
                      std::string(dtype_name(*stored))});
  } else {
    losses.push_back({"part " + in_quotes(part.role()) + ": its dtype, " + dtype, true});
  }
}

}  // namespace

std::uint32_t strict_attribute_depth(bool of_file) {
  constexpr std::uint32_t kStrictDepth = 33;
  return kStrictDepth - (of_file ? 1 : 3);
}

void check_name(std::string_view name) {
  const std::string fault = fault_of_name(name);
  if (!fault.empty())
    throw Error(Code::usage, "", name.empty() ? "a tensor's name is empty" : "name " + in_quotes(name) + " " + fault);
}

void check_movable(std::string_view name, bool canonical) {
  std::string fault = fault_of_name(name);
  if (fault.empty() && canonical && !wire::is_nfc(name)) {
    fault = "is not in Unicode's normal form NFC, which canonical files want";
  }
  if (!fault.empty()) throw Error(Code::unsupported, "write.name", "it cannot be written: its name " + fault);
}

void check_role(std::string_view role, bool strict) {
  const bool wrong = strict ? !fault_of_name(role).empty() : role.size() > kMaxNameBytes || !is_utf8(role);
  if (wrong)
    throw Error(Code::usage, "",
                "role " + in_quotes(role) + " is not UTF-8 of " + (strict ? "1 to" : "at most") + " 1024 bytes");
}

void check_level(Encoding encoding) {
  if (!encoding.is_raw() && (encoding.level() < 1 || encoding.level() > 22)) {
    throw Error(Code::usage, "", "zstd level " + std::to_string(encoding.level()) + ": expected 1 to 22");
  }
}

void check_normal_form(std::string_view name) {
  if (!wire::is_nfc(name)) {
    throw Error(Code::usage, "",
                "name " + in_quotes(name) + " is not in Unicode's normal form NFC, which canonical files want");
  }
}

std::vector<std::byte> encode_attributes(const Value& attributes, const model::Encoder& encoder, bool of_file,
                                         std::uint32_t depth) {
  if (attributes.is_null()) return {};
  if (!attributes.is_map()) throw Error(Code::usage, "", "attributes are a map with text keys");
  for (const auto& [key, value] : *attributes.members()) {
    if (key.text() == nullptr) throw Error(Code::usage, "", "attributes are a map with text keys");
    if (encoder.holds.strict && !fault_of_name(*key.text()).empty()) {
      throw Error(Code::usage, "", "attribute " + in_quotes(*key.text()) + ": its key " + fault_of_name(*key.text()));
    }
    if (of_file && encoder.holds.only_text_attributes && value.text() == nullptr) {
      throw Error(Code::unsupported, "",
                  "attribute " + in_quotes(*key.text()) + ": format " + std::string(encoder.title) + " has only text");
    }
  }
  std::vector<std::byte> cbor = encoder.holds.strict ? attributes.encode_sorted() : attributes.encode();
  try {
    wire::CborCursor(cbor, {.strict = encoder.holds.strict, .depth = depth}).skip();
  } catch (const Error& error) {
    throw Error(Code::usage, "", std::string("attributes cannot be stored: ") + error.what());
  }
  return cbor;
}

bool is_canonical(const WriterOptions& options, const model::Encoder& encoder) {
  const bool strict = encoder.holds.strict;
  const bool aligned = options.alignment == 0 || options.alignment == container::zt2::kCanonicalAlignment;
  const bool plain = options.encoding.is_raw() && options.max_shard_size == 0 && aligned &&
                     options.mode != WriteMode::append && options.checksum.value_or(Checksum::xxh3) == Checksum::xxh3;
  if (options.canonical.value_or(false) && !(strict && plain)) {
    throw Error(Code::usage, "",
                "canonical files are of format 2, raw, in one piece, with xxh3 digests and their own alignment");
  }
  return strict && plain && options.canonical.value_or(true);
}

std::vector<Loss> losses_of_attributes(const Value& attributes, const model::Encoder& encoder, bool of_file) {
  std::vector<Loss> losses;
  if (attributes.members() == nullptr || attributes.members()->empty()) return losses;
  if (!of_file && !encoder.holds.tensor_attributes) return {{"its attributes"}};
  for (const auto& [key, value] : *attributes.members()) {
    const auto kept = reduced_attribute(key, value, encoder, of_file);
    if (!kept) {
      losses.push_back({"attribute " + key_text(key)});
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
    if (auto left = reduced_attribute(key, value, encoder, of_file)) kept.emplace_back(key, std::move(*left));
  }
  return Value(std::move(kept));
}

std::optional<DType> stored_dtype(DType dtype, const model::Encoder& encoder) {
  if (!encoder.storage(dtype).empty()) return dtype;
  if (dtype_bits(dtype) == 8 && !encoder.storage(DType::u8).empty()) return DType::u8;
  return std::nullopt;
}

void check_losses(const std::vector<Loss>& losses, const model::Encoder& encoder, bool lossy) {
  for (const Loss& loss : losses) {
    if (lossy && !loss.fatal) continue;
    throw Error(Code::unsupported, loss.fatal ? "write.beyond" : "write.loss",
                "format " + std::string(encoder.title) + " cannot hold " + loss.what);
  }
}

std::vector<Loss> losses_of(const Tensor& tensor, const model::Encoder& encoder) {
  std::vector<Loss> losses = losses_of_attributes(tensor.attributes(), encoder, false);
  const std::vector<std::string_view> roles = roles_of(tensor.layout());
  if (roles.empty() && !encoder.holds.other_layouts)
    losses.push_back({"its layout, " + in_quotes(tensor.layout()), true});
  if (encoder.holds.strict && tensor.layout().starts_with("zt1.")) {
    losses.push_back({"its layout, " + in_quotes(tensor.layout()) + ", which would be read as another", true});
  }
  if (encoder.holds.strict) add_name_losses(tensor, losses);
  if (encoder.holds.strict) add_profile_losses(tensor, losses);
  if (encoder.holds.strict && overflows(tensor.shape())) losses.push_back({"its shape, whose product overflows", true});
  for (std::size_t i = 0; i < tensor.parts(); ++i) {
    const Part part = tensor.part(i);
    if (!is_kept(tensor.layout(), part.role(), encoder)) {
      losses.push_back(
          {"part " + in_quotes(part.role()) + ", which layout " + in_quotes(tensor.layout()) + " does not have"});
    } else {
      add_part_losses(part, encoder, losses);
    }
  }
  return losses;
}

bool is_kept(std::string_view layout, std::string_view role, const model::Encoder& encoder) {
  const std::vector<std::string_view> roles = roles_of(layout);
  const bool only_known = encoder.holds.strict || !encoder.holds.other_layouts;
  return roles.empty() || !only_known || std::ranges::find(roles, role) != roles.end();
}

}  // namespace zt::write
