#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/endian.h"
#include "base/utf8.h"
#include "codec/codecs.h"
#include "container/shared/fields.h"
#include "container/zt10/manifest.h"
#include "container/zt10/zt10.h"
#include "wire/cbor.h"
#include "ztensor/error.h"

namespace zt::container::zt10 {
namespace {

using model::Catalog;
using model::PartRow;
using model::TensorRow;
using wire::CborCursor;
using wire::CborKind;
using wire::CborWriter;

[[noreturn]] void unwritable(const std::string& what) {
  throw Error(Code::unsupported, "zt10.unwritable", "a file of generation 1.0 cannot hold " + what);
}

std::string_view storage_of(DType dtype) {
  const std::string_view name = dtype_name(dtype);
  return find_long_storage(name) ? name : std::string_view();
}

// The dtype of a tensor in a manifest: the dtype of all its parts except indices.
DType element_dtype(const Catalog& catalog, const TensorRow& tensor) {
  std::optional<DType> found;
  for (const PartRow& part : catalog.parts(tensor)) {
    const std::string_view role = catalog.word(part.role);
    if (is_index(role)) {
      if (part.dtype != DType::u64) unwritable("part " + in_quotes(role) + " with indices that are not uint64");
    } else if (found && *found != part.dtype) {
      unwritable("parts of two dtypes in one tensor");
    } else {
      found = part.dtype;
    }
  }
  if (!found) unwritable("a tensor that has no part except indices");
  if (storage_of(*found).empty()) unwritable("dtype " + std::string(dtype_name(*found)));
  return *found;
}

std::string_view word_of(Codec codec) { return codec::row_of(codec).word(codec::Words::zt1); }

void encode_part(const Catalog& catalog, const PartRow& part, CborWriter& out) {
  const Codec codec = part.recipe.coding.codec;
  const bool encoded = codec != Codec::raw;
  const std::string_view digest = catalog.text(part.digest);
  out.map(2 + (encoded ? 1U : 0U) + (digest.empty() ? 0U : 1U));
  out.text("offset");
  out.unsigned_integer(part.recipe.offset);
  out.text("length");
  out.unsigned_integer(part.recipe.stored_length);
  if (encoded) {
    out.text("encoding");
    out.text(word_of(codec));
  }
  if (!digest.empty()) {
    out.text("digest");
    out.text(digest);
  }
}

void encode_tensor(const Catalog& catalog, const TensorRow& tensor, CborWriter& out) {
  const std::string_view attributes = catalog.text(tensor.attributes);
  if (!attributes.empty() && attributes != "\xA0") unwritable("attributes of a tensor");
  out.map(4);
  out.text("dtype");
  out.text(storage_of(element_dtype(catalog, tensor)));
  out.text("shape");
  const auto shape = catalog.shape(tensor);
  out.array(shape.size());
  for (const std::uint64_t dimension : shape) out.unsigned_integer(dimension);
  out.text("format");
  out.text(catalog.word(tensor.layout));
  out.text("components");
  out.map(tensor.part_count);
  std::vector<std::pair<std::string_view, const PartRow*>> parts;
  for (const PartRow& part : catalog.parts(tensor)) parts.emplace_back(catalog.word(part.role), &part);
  std::ranges::sort(parts, {}, [](const auto& entry) { return entry.first; });
  for (const auto& [role, part] : parts) {
    out.text(role);
    encode_part(catalog, *part, out);
  }
}

void encode_attributes(const Catalog& catalog, CborWriter& out) {
  std::vector<std::pair<std::string, std::string>> pairs;
  if (!catalog.attributes.empty()) {
    CborCursor cursor(catalog.attributes);
    const auto text = [&] {
      const wire::CborItem item = cursor.read();
      if (item.kind != CborKind::text) unwritable("attributes that are not text");
      return std::string(as_text(item.content));
    };
    cursor.read();
    while (cursor.more()) {
      std::string key = text();
      pairs.emplace_back(std::move(key), text());
    }
  }
  std::ranges::stable_sort(pairs, {}, [](const auto& pair) -> const std::string& { return pair.first; });
  out.map(pairs.size());
  for (const auto& [key, value] : pairs) {
    out.text(key);
    out.text(value);
  }
}

std::vector<std::byte> head() {
  const auto magic = as_bytes(kMagic);
  return {magic.begin(), magic.end()};
}

// Writes the same bytes as the original writer of 1.0, which sorts names, and always has this generator.
std::vector<std::byte> manifest_of(const Catalog& catalog) {
  CborWriter out;
  out.map(4);
  out.text("version");
  out.text("1.0");
  out.text("generator");
  out.text("zTensor-Rust v0.1.0");
  out.text("attributes");
  encode_attributes(catalog, out);
  out.text("tensors");
  out.map(catalog.size());
  std::vector<std::uint32_t> rows(catalog.size());
  for (std::uint32_t row = 0; row < rows.size(); ++row) rows[row] = row;
  const auto name = [&](std::uint32_t row) { return catalog.text(catalog.tensor(row).name); };
  std::ranges::sort(rows, {}, name);
  for (const std::uint32_t row : rows) {
    out.text(name(row));
    inside("tensor " + in_quotes(name(row)), [&] { encode_tensor(catalog, catalog.tensor(row), out); });
  }
  return std::move(out.buffer());
}

std::vector<std::byte> footer(std::uint64_t, std::span<const std::byte> manifest) {
  std::vector<std::byte> bytes(8);
  endian::store_le<std::uint64_t>(bytes.data(), manifest.size());
  return bytes;
}

}  // namespace

const model::Encoder kEncoder = {
    .format = "zt-1.0",
    .title = "1.0",
    .index_limit = "zt10.manifest.limit",
    .index = model::Index::last,
    .alignment = 64,
    .most_alignment = model::kMostAlignment,
    .canonical_alignment = 0,
    .manifest_alignment = 1,
    .holds = {.tensor_attributes = false, .only_text_attributes = true, .other_layouts = false, .sha256 = false},
    .head = head,
    .index_head = nullptr,
    .order = nullptr,
    .storage = storage_of,
    .logical = [](DType) { return std::string_view(); },
    .encoding = word_of,
    .manifest = manifest_of,
    .footer = footer,
    .shard_index = nullptr,
    .grower = nullptr,
};

}  // namespace zt::container::zt10
