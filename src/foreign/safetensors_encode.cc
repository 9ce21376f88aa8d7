#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <vector>

#include "base/endian.h"
#include "base/utf8.h"
#include "foreign/safetensors.h"
#include "foreign/safetensors_types.h"
#include "wire/cbor.h"
#include "ztensor/error.h"

namespace zt::foreign::safetensors {
namespace {

using model::Catalog;

const Type* find_type(DType dtype) {
  const auto found = std::ranges::find_if(kTypes, [&](const Type& type) { return type.dtype == dtype; });
  return found == kTypes.end() ? nullptr : &*found;
}

std::string_view tag_of(DType dtype) {
  const Type* type = find_type(dtype);
  return type == nullptr ? std::string_view() : type->tag;
}

// Like serde_json: escapes only the characters that JSON requires to be escaped.
void append_text(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  constexpr std::string_view kShort = "\b\f\n\r\t\"\\";
  constexpr std::string_view kLetters = "bfnrt\"\\";
  out += '"';
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (const std::size_t at = kShort.find(c); at != std::string_view::npos) {
      out += '\\';
      out += kLetters[at];
    } else if (code < 0x20) {
      out += "\\u00";
      out += kHex[code >> 4];
      out += kHex[code & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_metadata(std::string& out, std::span<const std::byte> attributes) {
  append_text(out, kMetadata);
  out += ":{";
  wire::CborCursor cursor(attributes);
  cursor.read();
  while (cursor.more()) {  // the writer has checked that keys and values are texts
    if (out.back() != '{') out += ',';
    append_text(out, as_text(cursor.read().content));
    out += ':';
    append_text(out, as_text(cursor.read().content));
  }
  out += '}';
}

void append_tensor(std::string& out, const Catalog& catalog, std::uint32_t row) {
  const model::TensorRow& tensor = catalog.tensor(row);
  const model::PartRow& part = catalog.part(tensor.parts);
  append_text(out, catalog.text(tensor.name));
  out += R"(:{"dtype":)";
  append_text(out, tag_of(part.dtype));
  out += R"(,"shape":[)";
  for (const std::uint64_t dimension : catalog.shape(tensor)) {
    if (out.back() != '[') out += ',';
    out += std::to_string(dimension);
  }
  out += R"(],"data_offsets":[)" + std::to_string(part.recipe.offset) + ',' +
         std::to_string(part.recipe.offset + part.recipe.stored_length) + "]}";
}

std::vector<std::uint32_t> order(const Catalog& catalog) {
  const auto place = [&](std::uint32_t row) {
    const Type* type = find_type(catalog.part(catalog.tensor(row).parts).dtype);
    return type == nullptr ? unsigned{kTypes.size()} : type->place;
  };
  std::vector<std::uint32_t> rows(catalog.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::ranges::sort(rows, [&](std::uint32_t a, std::uint32_t b) {
    if (place(a) != place(b)) return place(a) < place(b);
    return catalog.text(catalog.tensor(a).name) < catalog.text(catalog.tensor(b).name);
  });
  return rows;
}

std::vector<std::byte> index_head(const Catalog& catalog) {
  std::string json(kPrefix, '\0');
  json += '{';
  const auto separate = [&] {
    if (json.size() > kPrefix + 1) json += ',';
  };
  if (!catalog.attributes.empty()) append_metadata(json, catalog.attributes);
  for (const std::uint32_t row : order(catalog)) {
    separate();
    append_tensor(json, catalog, row);
  }
  json += '}';
  json.append((kPrefix - json.size() % kPrefix) % kPrefix, ' ');
  std::vector<std::byte> head(json.size());
  std::ranges::copy(as_bytes(json), head.begin());
  endian::store_le<std::uint64_t>(head.data(), json.size() - kPrefix);
  return head;
}

// Like transformers and huggingface_hub: sorted keys, and two spaces for each level.
std::vector<std::byte> shard_index(const Catalog& catalog, std::span<const std::string> files) {
  std::map<std::string_view, const model::PartRow*> tensors;
  std::uint64_t total = 0;
  for (std::uint32_t row = 0; row < catalog.size(); ++row) {
    const model::PartRow& part = catalog.part(catalog.tensor(row).parts);
    tensors.emplace(catalog.text(catalog.tensor(row).name), &part);
    total += part.recipe.stored_length;
  }
  std::string json =
      "{\n  \"metadata\": {\n    \"total_size\": " + std::to_string(total) + "\n  },\n  \"weight_map\": {";
  for (const auto& [name, part] : tensors) {
    json += json.back() == '{' ? "\n    " : ",\n    ";
    append_text(json, name);
    json += ": ";
    append_text(json, files[part->recipe.file - 1U]);
  }
  json += tensors.empty() ? "}\n}\n" : "\n  }\n}\n";
  const auto bytes = as_bytes(json);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

const model::Encoder kEncoder = {
    .format = "safetensors",
    .title = "safetensors",
    .index_limit = "safetensors.header.limit",
    .most_index = kPrefix + kMostHeader,
    .index = model::Index::first,
    .alignment = 1,
    .most_alignment = 1,
    .canonical_alignment = 0,
    .manifest_alignment = 1,
    .holds = {.tensor_attributes = false,
              .only_text_attributes = true,
              .own_attributes = false,
              .other_layouts = false,
              .sparse_layouts = false,
              .taken_name = kMetadata,
              .bounded_shapes = true,
              .whole_bytes = true,
              .shared_parts = false,
              .digests = model::Digests::none,
              .sha256 = false,
              .shards = model::ShardForm::indexed},
    .head = nullptr,
    .index_head = index_head,
    .order = order,
    .storage = tag_of,
    .logical = [](DType) { return std::string_view(); },
    .encoding = [](Codec) { return std::string_view(); },
    .manifest = nullptr,
    .footer = nullptr,
    .shard_index = shard_index,
    .grower = nullptr,
};

}  // namespace zt::foreign::safetensors
