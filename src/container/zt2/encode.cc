#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "base/endian.h"
#include "base/utf8.h"
#include "codec/codecs.h"
#include "container/shared/fields.h"
#include "container/shared/splice.h"
#include "container/zt2/footer.h"
#include "container/zt2/manifest.h"
#include "container/zt2/names.h"
#include "container/zt2/regions.h"
#include "container/zt2/zt2.h"
#include "hash/xxh3.h"
#include "wire/cbor.h"

namespace zt::container::zt2 {
namespace {

using model::Catalog;
using model::PartRow;
using wire::CborWriter;

std::string_view storage(DType dtype) { return dtype == DType::boolean ? "u8" : type_words(dtype).storage; }
std::string_view logical(DType dtype) { return dtype == DType::boolean ? "bool" : type_words(dtype).logical; }

std::string_view word_of(Codec codec) { return codec::row_of(codec).word(codec::Words::zt2); }

void encode_part(const Catalog& catalog, const PartRow& part, CborWriter& out) {
  const Codec codec = part.recipe.coding.codec;
  const bool encoded = codec != Codec::raw;
  const std::string_view type = catalog.word(part.logical);
  const std::string_view digest = catalog.text(part.digest);
  const bool elsewhere = part.recipe.file != 0;
  out.map(2U + (type.empty() ? 0U : 1U) + (elsewhere ? 1U : 0U) + (digest.empty() ? 0U : 1U) + (encoded ? 2U : 0U));
  out.text("blob");
  out.array(2);
  out.unsigned_integer(part.recipe.offset);
  out.unsigned_integer(part.recipe.stored_length);
  if (!type.empty()) {
    out.text("type");
    out.text(type);
  }
  out.text("dtype");
  out.text(catalog.word(part.storage));
  if (elsewhere) {
    out.text("shard");
    out.text(catalog.files[part.recipe.file - 1U].name);
  }
  if (!digest.empty()) {
    out.text("digest");
    out.text(digest);
  }
  if (encoded) {
    out.text("encoding");
    out.text(word_of(codec));
    out.text("decoded_length");
    out.unsigned_integer(part.recipe.decoded_length);
  }
}

void encode_object(const Catalog& catalog, const model::TensorRow& tensor, CborWriter& out) {
  const std::string_view attributes = catalog.text(tensor.attributes);
  out.map(attributes.empty() ? 3 : 4);
  out.text("parts");
  std::vector<const PartRow*> parts;
  for (const PartRow& part : catalog.parts(tensor)) parts.push_back(&part);
  std::ranges::sort(parts, [&](const PartRow* a, const PartRow* b) {
    return key_less(catalog.word(a->role), catalog.word(b->role));
  });
  out.map(parts.size());
  for (const PartRow* part : parts) {
    out.text(catalog.word(part->role));
    encode_part(catalog, *part, out);
  }
  out.text("shape");
  const auto shape = catalog.shape(tensor);
  out.array(shape.size());
  for (const std::uint64_t dimension : shape) out.unsigned_integer(dimension);
  out.text("layout");
  out.text(layout_for_file(catalog.word(tensor.layout)));
  if (!attributes.empty()) {
    out.text("attributes");
    out.raw(as_bytes(attributes));
  }
}

std::vector<std::uint32_t> rows_in_order(const Catalog& catalog) {
  std::vector<std::uint32_t> rows(catalog.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::ranges::sort(rows, [&](std::uint32_t a, std::uint32_t b) {
    return key_less(catalog.text(catalog.tensor(a).name), catalog.text(catalog.tensor(b).name));
  });
  return rows;
}

void encode_shards(const Catalog& catalog, CborWriter& out) {
  std::vector<const model::FileRow*> shards;
  for (const model::FileRow& shard : catalog.files) shards.push_back(&shard);
  std::ranges::sort(shards,
                    [](const model::FileRow* a, const model::FileRow* b) { return key_less(a->name, b->name); });
  out.map(shards.size());
  for (const model::FileRow* shard : shards) {
    out.text(shard->name);
    out.map(2);
    out.text("size");
    out.unsigned_integer(shard->size);
    out.text("digest");
    out.text(shard->digest);
  }
}

std::vector<std::byte> manifest_of(const Catalog& catalog) {
  CborWriter out;
  out.map(1U + (catalog.files.empty() ? 0U : 1U) + (catalog.attributes.empty() ? 0U : 1U));
  if (!catalog.files.empty()) {
    out.text("shards");
    encode_shards(catalog, out);
  }
  out.text("objects");
  out.map(catalog.size());
  for (const std::uint32_t row : rows_in_order(catalog)) {
    out.text(catalog.text(catalog.tensor(row).name));
    encode_object(catalog, catalog.tensor(row), out);
  }
  if (!catalog.attributes.empty()) {
    out.text("attributes");
    out.raw(catalog.attributes);
  }
  return std::move(out.buffer());
}

std::vector<std::byte> encode_free(std::span<const Region> regions) {
  CborWriter out;
  out.array(regions.size());
  for (const Region& region : regions) {
    out.array(2);
    out.unsigned_integer(region.offset);
    out.unsigned_integer(region.length);
  }
  return std::move(out.buffer());
}

// The bytes that a manifest needs to list these regions.
std::uint64_t size_of_list(std::span<const Region> regions) {
  if (regions.empty()) return 0;
  CborWriter key;
  key.text(kFreeKey);
  return key.buffer().size() + encode_free(regions).size();
}

model::EditedManifest edit_manifest(std::span<const std::byte> manifest, const model::ManifestEdit& edit) {
  const std::vector<MemberView> old_root = members_of(manifest, edit.objects);
  const EditedObjects objects(find_member(old_root, "objects")->value, edit, encode_object,
                              EditedObjects::Order::sorted);
  MapBuilder root;
  for (const MemberView& member : old_root) {
    if (member.key == "objects" || member.key == kFreeKey || (member.key == "attributes" && edit.attributes)) continue;
    root.keep(member);
  }
  root.add("objects", objects.pieces());
  if (edit.attributes && !edit.attributes->empty()) root.add("attributes", *edit.attributes);
  std::vector<Region> regions = edit.former;
  if (edit.place) {
    const auto region = edit.place(root.encoded_size() + size_of_list(regions));
    if (region && std::ranges::find(regions, *region) == regions.end()) regions.push_back(*region);
  }
  if (!regions.empty()) root.add(kFreeKey, encode_free(regions));
  root.sort();
  CborWriter out;
  out.buffer().reserve(static_cast<std::size_t>(root.encoded_size()));
  root.write(out);
  return {.bytes = std::move(out.buffer()), .bookkeeping = size_of_list(regions)};
}

// Relocates only parts of this file, not parts in shards.
std::vector<std::byte> relocate(std::span<const std::byte> manifest,
                                const std::function<std::uint64_t(Region)>& place) {
  return with_parts(manifest, "parts", [&](const std::vector<MemberView>& members, MapBuilder& out) {
    const bool elsewhere = find_member(members, "shard") != nullptr;
    for (const MemberView& member : members) {
      if (member.key != "blob" || elsewhere) {
        out.keep(member);
        continue;
      }
      wire::CborCursor cursor(member.value);
      cursor.read();  // an array of two
      Region region;
      cursor.more();
      region.offset = cursor.read().number;
      cursor.more();
      region.length = cursor.read().number;
      CborWriter blob;
      blob.array(2);
      blob.unsigned_integer(place(region));
      blob.unsigned_integer(region.length);
      out.change(member, std::move(blob.buffer()));
    }
  });
}

// In canonical files the parts are in the order of the names, compared as bytes. zt-2 §11
std::vector<std::uint32_t> order(const Catalog& catalog) {
  std::vector<std::uint32_t> rows(catalog.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::ranges::sort(rows, {}, [&](std::uint32_t row) { return catalog.text(catalog.tensor(row).name); });
  return rows;
}

std::vector<std::byte> head() {
  const auto magic = as_bytes(kMagic);
  return {magic.begin(), magic.end()};
}

std::vector<std::byte> footer(std::uint64_t offset, std::span<const std::byte> manifest) {
  Footer ending;  // a data shard has no manifest and this footer
  if (!manifest.empty()) {
    ending = {.manifest_offset = offset, .manifest_length = manifest.size(), .manifest_hash = hash::xxh3(manifest)};
  }
  const auto bytes = encode_footer(ending);
  return {bytes.begin(), bytes.end()};
}

constexpr model::Grower kGrower = {
    .tail = model::Grower::Tail::footer,
    .decode = decode_keeping,
    .former = former_manifests,
    .edit = edit_manifest,
    .relocate = relocate,
};

}  // namespace

const model::Encoder kEncoder = {
    .format = "zt-2",
    .title = "2",
    .index_limit = "zt2.manifest.limit",
    .most_index = kMaxManifestBytes,
    .index = model::Index::last,
    .alignment = kLeastAlignment,
    .most_alignment = model::kMostAlignment,
    .canonical_alignment = kCanonicalAlignment,
    .manifest_alignment = kLeastAlignment,
    .holds = {.deterministic_attributes = true,
              .index_depth = kDepth,
              .only_known_parts = true,
              .named_roles = true,
              .checked_profiles = true,
              .layout_prefix = kOldPrefix,
              .narrow_indices = true,
              .sorted_sparse = true,
              .bounded_shapes = true,
              .only_seekable_parts = true,
              .sorted_parts = true,
              .equal_parts_once = true,
              .digests = model::Digests::decoded,
              .shards = model::ShardForm::rooted},
    .head = head,
    .index_head = nullptr,
    .order = order,
    .storage = storage,
    .logical = logical,
    .encoding = word_of,
    .manifest = manifest_of,
    .footer = footer,
    .shard_index = nullptr,
    .grower = &kGrower,
};

}  // namespace zt::container::zt2
