#include <algorithm>
#include <bit>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "base/checked.h"
#include "base/utf8.h"
#include "foreign/gguf/gguf.h"
#include "foreign/gguf/types.h"
#include "foreign/gguf/values.h"
#include "wire/cbor.h"
#include "ztensor/error.h"

namespace zt::foreign::gguf {
namespace {

using model::Catalog;
using wire::CborCursor;
using wire::CborItem;
using wire::CborKind;

constexpr std::uint32_t kNewVersion = 3;
constexpr std::size_t kMostWrittenRank = 4;  // ggml's own

// The type of a tensor, or null.
const Type* find_type(std::string_view layout, std::optional<DType> dtype) {
  const auto found = std::ranges::find_if(
      kTypes, [&](const Type& type) { return type.layout == layout && (!type.dtype || type.dtype == dtype); });
  return found == kTypes.end() ? nullptr : &*found;
}

bool is_dense(DType dtype) { return find_type("dense", dtype) != nullptr; }

// Calls `use` with each key and its encoded value.
template <class F>
void for_attributes(std::span<const std::byte> attributes, const F& use) {
  if (attributes.empty()) return;
  CborCursor cursor(attributes, {.keep_tags = true});
  cursor.read();
  while (cursor.more()) {
    const std::string_view key = as_text(cursor.read().content);
    use(key, cursor.skip());
  }
}

std::optional<std::uint64_t> unsigned_of(std::span<const std::byte> cbor) {
  const CborItem item = CborCursor(cbor, {.keep_tags = true}).read();
  return item.kind == CborKind::unsigned_integer ? std::optional(item.number) : std::nullopt;
}

bool is_alignment(std::optional<std::uint64_t> value) {
  return value && std::has_single_bit(*value) && *value <= kMostAlignment;
}

std::uint64_t alignment_of(std::span<const std::byte> attributes) {
  std::uint64_t alignment = kDefaultAlignment;
  for_attributes(attributes, [&](std::string_view key, std::span<const std::byte> value) {
    if (key == kAlignment) alignment = unsigned_of(value).value_or(kDefaultAlignment);
  });
  return alignment;
}

std::string attribute_fault(std::string_view key, std::span<const std::byte> value) {
  const std::string name = "attribute " + in_quotes(key);
  if (key.starts_with(kOwn)) return "";
  if (key.empty() || key.size() > kMostKey) return name + ": its key has " + std::to_string(key.size()) + " bytes";
  if (key == kAlignment && !is_alignment(unsigned_of(value))) return name + ": it is no power of two up to 2^24";
  if (is_split_number(key) && !unsigned_of(value)) return name + ": it is no integer from 0";
  return usual_type(value).empty() ? name + ": GGUF has no type for its value" : "";
}

// The attributes of blocks must be those that their type implies.
bool has_type_attributes(std::span<const std::byte> attributes, const Type& type) {
  std::uint64_t elements = 0, bytes = 0;
  bool other = false;
  for_attributes(attributes, [&](std::string_view key, std::span<const std::byte> value) {
    if (key == "elems_per_block") {
      elements = unsigned_of(value).value_or(0);
    } else if (key == "block_bytes") {
      bytes = unsigned_of(value).value_or(0);
    } else {
      other = other || !key.starts_with("ztensor.");
    }
  });
  return elements == type.elements && bytes == type.bytes && !other;
}

std::string tensor_fault(const model::Outline& tensor) {
  if (tensor.shape.size() > kMostWrittenRank) {
    return "a shape of " + std::to_string(tensor.shape.size()) + " dimensions: at most 4";
  }
  const Type* type = find_type(tensor.layout, tensor.dtype);
  if (type == nullptr) {
    if (tensor.layout != "dense") return "its layout, " + in_quotes(tensor.layout);
    return "its dtype, " + std::string(tensor.dtype ? dtype_name(*tensor.dtype) : "none");
  }
  if (type->dtype) return "";
  if ((tensor.shape.empty() ? 1 : tensor.shape.back()) % type->elements != 0) {
    return "rows that are not whole blocks of " + std::to_string(type->elements) + " elements";
  }
  return has_type_attributes(tensor.attributes, *type) ? "" : "attributes other than those of its type";
}

// The types that the attributes keep, by key.
std::map<std::string_view, std::string_view> kept_types(std::span<const std::byte> attributes) {
  std::map<std::string_view, std::string_view> types;
  for_attributes(attributes, [&](std::string_view key, std::span<const std::byte> value) {
    if (key != kValueTypes) return;
    CborCursor cursor(value, {.keep_tags = true});
    if (cursor.read().kind != CborKind::map) return;
    while (cursor.more()) {
      const CborItem name = cursor.read();
      const auto word = cursor.skip();
      const CborItem item = CborCursor(word, {.keep_tags = true}).read();
      if (name.kind == CborKind::text && item.kind == CborKind::text)
        types[as_text(name.content)] = as_text(item.content);
    }
  });
  return types;
}

std::uint32_t version_of(std::span<const std::byte> attributes) {
  std::uint64_t version = kNewVersion;
  for_attributes(attributes, [&](std::string_view key, std::span<const std::byte> value) {
    if (key == kVersion) version = unsigned_of(value).value_or(kNewVersion);
  });
  return version >= 1 && version <= kNewVersion ? static_cast<std::uint32_t>(version) : kNewVersion;
}

// Writes the value as the type that was kept, or else, if the value was changed meanwhile, as its usual type.
void write_attribute(std::string_view key, std::span<const std::byte> value, std::string_view kept, HeaderWriter& out) {
  if (key == kAlignment) kept = "u32";
  out.string(as_bytes(key));
  const std::size_t at = out.buffer().size();
  if (!kept.empty() && write_value(value, kept, out)) return;
  out.buffer().resize(at);
  if (write_value(value, usual_type(value), out)) return;
  throw Error(Code::internal, "", "attribute " + in_quotes(key) + " was accepted, and has no type");
}

void write_tensor(const Catalog& catalog, const model::TensorRow& tensor, HeaderWriter& out) {
  const model::PartRow& part = catalog.part(tensor.parts);
  const auto shape = catalog.shape(tensor);
  out.string(as_bytes(catalog.text(tensor.name)));
  out.u32(static_cast<std::uint32_t>(shape.size()));
  for (std::size_t i = shape.size(); i > 0; --i) out.length(shape[i - 1]);
  const Type* type = find_type(catalog.word(tensor.layout), part.dtype);
  if (type == nullptr) throw Error(Code::internal, "", "a tensor without a type was accepted");
  out.u32(type->id);
  out.u64(part.recipe.offset);
}

HeaderWriter header_of(const Catalog& catalog, std::uint32_t version) {
  const auto types = kept_types(catalog.attributes);
  std::uint64_t count = 0;
  for_attributes(catalog.attributes, [&](std::string_view key, std::span<const std::byte>) {
    if (!key.starts_with(kOwn)) ++count;
  });
  HeaderWriter out(version);
  out.bytes(as_bytes("GGUF"));
  out.u32(version);
  out.length(catalog.size());
  out.length(count);
  for_attributes(catalog.attributes, [&](std::string_view key, std::span<const std::byte> value) {
    if (key.starts_with(kOwn)) return;
    const auto kept = types.find(key);
    write_attribute(key, value, kept == types.end() ? std::string_view() : kept->second, out);
  });
  for (std::uint32_t row = 0; row < catalog.size(); ++row) write_tensor(catalog, catalog.tensor(row), out);
  return out;
}

std::vector<std::byte> index_head(const Catalog& catalog) {
  HeaderWriter head = header_of(catalog, version_of(catalog.attributes));
  if (head.overflows()) head = header_of(catalog, kNewVersion);
  std::vector<std::byte>& bytes = head.buffer();
  if (catalog.size() > 0) {
    bytes.resize(static_cast<std::size_t>(checked::round_up(bytes.size(), alignment_of(catalog.attributes))));
  }
  return std::move(bytes);
}

std::vector<std::uint32_t> order(const Catalog& catalog) {
  std::vector<std::uint32_t> rows(catalog.size());
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

}  // namespace

const model::Encoder kEncoder = {
    .format = "gguf",
    .title = "gguf",
    .index_limit = "gguf.header.limit",
    .index = model::Index::first,
    .alignment = kDefaultAlignment,
    .most_alignment = kDefaultAlignment,
    .canonical_alignment = 0,
    .manifest_alignment = 1,
    .holds = {.tensor_attributes = false,
              .own_attributes = false,
              .kept_attributes = kOwn,
              .other_layouts = false,
              .sparse_layouts = false,
              .checked_profiles = true,
              .bounded_shapes = true,
              .whole_bytes = true,
              .shared_parts = false,
              .digests = model::Digests::none,
              .sha256 = false},
    .head = nullptr,
    .index_head = index_head,
    .order = order,
    // Blocks are u8. A dense tensor of u8 is a fault of the tensor.
    .storage =
        [](DType dtype) { return is_dense(dtype) || dtype == DType::u8 ? dtype_name(dtype) : std::string_view(); },
    .logical = [](DType) { return std::string_view(); },
    .encoding = [](Codec) { return std::string_view(); },
    .manifest = nullptr,
    .footer = nullptr,
    .shard_index = nullptr,
    .grower = nullptr,
    .attribute_fault = attribute_fault,
    .tensor_fault = tensor_fault,
    .has_blocks = [](std::string_view layout) { return layout != "dense" && find_type(layout, {}) != nullptr; },
    .alignment_of = alignment_of,
    .padded_end = true,
};

}  // namespace zt::foreign::gguf
