#include <algorithm>

#include "base/endian.h"
#include "base/utf8.h"
#include "codec/codecs.h"
#include "container/shared/delta_note.h"
#include "container/shared/fields.h"
#include "container/shared/splice.h"
#include "container/zt12/manifest.h"
#include "container/zt12/planes.h"
#include "container/zt12/zt12.h"
#include "wire/cbor.h"

namespace zt::container::zt12 {
namespace {

using model::Catalog;
using model::PartRow;
using wire::CborWriter;

std::string_view word_of(Codec codec) { return codec::row_of(codec).word(codec::Words::zt1); }

struct PartTexts {
  std::string_view dtype;
  std::string_view logical;  // "": none
  std::string_view digest;   // "": none
};

void encode_part(const PartTexts& texts, const model::Recipe& recipe, CborWriter& out) {
  const Codec codec = recipe.coding.codec;
  if (codec == Codec::planes) throw Error(Code::internal, "", "only a plain dense tensor has byte planes");
  const bool encoded = codec != Codec::raw;
  const bool knows_length = encoded && recipe.decoded_length != model::kUnknownLength;
  const auto& [dtype, logical, digest] = texts;
  out.map(3 + (logical.empty() ? 0U : 1U) + (knows_length ? 1U : 0U) + (encoded ? 1U : 0U) +
          (digest.empty() ? 0U : 1U));
  out.text("dtype");
  out.text(dtype);
  if (!logical.empty()) {
    out.text("type");
    out.text(logical);
  }
  out.text("offset");
  out.unsigned_integer(recipe.offset);
  out.text("length");
  out.unsigned_integer(recipe.stored_length);
  if (knows_length) {
    out.text("uncompressed_length");
    out.unsigned_integer(recipe.decoded_length);
  }
  if (encoded) {
    out.text("encoding");
    out.text(word_of(codec));
  }
  if (!digest.empty()) {
    out.text("digest");
    out.text(digest);
  }
}

void encode_shape(const Catalog& catalog, const model::TensorRow& tensor, CborWriter& out) {
  out.text("shape");
  const auto shape = catalog.shape(tensor);
  out.array(shape.size());
  for (const std::uint64_t dimension : shape) out.unsigned_integer(dimension);
}

// A tensor in a format of its own, whose only component has the bytes of a coded part.
void encode_coded(const Catalog& catalog, const model::TensorRow& tensor, std::string_view format,
                  std::span<const std::byte> attributes, std::string_view role, model::Coding stored, CborWriter& out) {
  const PartRow& part = catalog.parts(tensor)[0];
  out.map(4);
  encode_shape(catalog, tensor, out);
  out.text("format");
  out.text(format);
  out.text("attributes");
  out.raw(attributes);
  out.text("components");
  out.map(1);
  out.text(role);
  model::Recipe recipe = part.recipe;
  recipe.coding = stored;
  encode_part({.dtype = "u8", .logical = {}, .digest = catalog.text(part.digest)}, recipe, out);
}

// zt.planes/1: spec/planes.md §3
void encode_planes(const Catalog& catalog, const model::TensorRow& tensor, CborWriter& out) {
  const PartRow& part = catalog.parts(tensor)[0];
  const std::string_view logical = catalog.word(part.logical);
  const auto attributes = with_planes_dtype(as_bytes(catalog.text(tensor.attributes)),
                                            logical.empty() ? catalog.word(part.storage) : logical);
  encode_coded(catalog, tensor, kPlanes, attributes, kPlanesRole, model::Coding::seekable, out);
}

// zt.delta/1: spec/delta.md §5. The attributes say the dtype already.
void encode_delta(const Catalog& catalog, const model::TensorRow& tensor, CborWriter& out) {
  encode_coded(catalog, tensor, kDelta, as_bytes(catalog.text(tensor.attributes)), kDeltaRole, model::Coding::raw, out);
}

void encode_object(const Catalog& catalog, const model::TensorRow& tensor, CborWriter& out) {
  if (tensor.part_count == 1 && catalog.parts(tensor)[0].recipe.coding.is_delta()) {
    return encode_delta(catalog, tensor, out);
  }
  if (is_planes(catalog, tensor)) return encode_planes(catalog, tensor, out);
  const std::string_view attributes = catalog.text(tensor.attributes);
  out.map(attributes.empty() ? 3 : 4);
  encode_shape(catalog, tensor, out);
  out.text("format");
  out.text(catalog.word(tensor.layout));
  if (!attributes.empty()) {
    out.text("attributes");
    out.raw(as_bytes(attributes));
  }
  out.text("components");
  out.map(tensor.part_count);
  for (const PartRow& part : catalog.parts(tensor)) {
    out.text(catalog.word(part.role));
    encode_part({.dtype = catalog.word(part.storage),
                 .logical = catalog.word(part.logical),
                 .digest = catalog.text(part.digest)},
                part.recipe, out);
  }
}

std::vector<std::byte> head() {
  const auto magic = as_bytes(kMagic);
  return {magic.begin(), magic.end()};
}

std::vector<std::byte> manifest_of(const Catalog& catalog) {
  CborWriter out;
  out.map(catalog.attributes.empty() ? 2 : 3);
  out.text("version");
  out.text("1.2.0");
  if (!catalog.attributes.empty()) {
    out.text("attributes");
    out.raw(catalog.attributes);
  }
  out.text("objects");
  out.map(catalog.size());
  for (std::uint32_t row = 0; row < catalog.size(); ++row) {
    out.text(catalog.text(catalog.tensor(row).name));
    encode_object(catalog, catalog.tensor(row), out);
  }
  return std::move(out.buffer());
}

std::vector<std::byte> footer(std::uint64_t, std::span<const std::byte> manifest) {
  std::vector<std::byte> bytes(8 + kMagic.size());
  endian::store_le<std::uint64_t>(bytes.data(), manifest.size());
  std::ranges::copy(as_bytes(kMagic), bytes.begin() + 8);
  return bytes;
}

// The edit with new attributes of tensors stored as planes that keep the dtype.
model::ManifestEdit with_planes_dtypes(model::ManifestEdit edit, std::span<const std::byte> objects) {
  if (edit.changed.empty()) return edit;
  std::multimap<std::string_view, std::string_view> aliases;  // by the other name
  for (const auto& [name, existing] : edit.aliases) aliases.emplace(existing, name);
  for (const MemberView& object : members_of(objects)) {
    const auto keep = [&](std::string_view name) {
      const auto changed = edit.changed.find(name);
      if (changed != edit.changed.end()) changed->second = keep_planes_dtype(object.value, changed->second);
    };
    keep(object.key);
    const auto [first, last] = aliases.equal_range(object.key);
    for (auto alias = first; alias != last; ++alias) keep(alias->second);
  }
  return edit;
}

// Keeps the order of objects; new objects come last.
model::EditedManifest edit_manifest(std::span<const std::byte> manifest, const model::ManifestEdit& edit) {
  const std::vector<MemberView> old_root = members_of(manifest, edit.objects);
  const auto old_objects = find_member(old_root, "objects")->value;
  const model::ManifestEdit whole_edit = with_planes_dtypes(edit, old_objects);
  const EditedObjects objects(old_objects, whole_edit, encode_object, EditedObjects::Order::as_added);
  MapBuilder root;
  for (const MemberView& member : old_root) {
    if (member.key != "objects" && !(member.key == "attributes" && edit.attributes)) root.keep(member);
  }
  if (edit.attributes && !edit.attributes->empty()) root.add("attributes", *edit.attributes);
  root.add("objects", objects.pieces());
  CborWriter out;
  out.buffer().reserve(static_cast<std::size_t>(root.encoded_size()));
  root.write(out);
  return {.bytes = std::move(out.buffer()), .bookkeeping = 0};
}

std::vector<std::byte> relocate(std::span<const std::byte> manifest,
                                const std::function<std::uint64_t(Region)>& place) {
  return with_parts(manifest, "components", [&](const std::vector<MemberView>& members, MapBuilder& out) {
    const auto number_of = [&](std::string_view key) {
      return wire::CborCursor(find_member(members, key)->value).read().number;
    };
    CborWriter offset;
    offset.unsigned_integer(place({number_of("offset"), number_of("length")}));
    for (const MemberView& member : members) {
      if (member.key == "offset") {
        out.change(member, offset.buffer());
      } else {
        out.keep(member);
      }
    }
  });
}

// No former manifest is used again.
model::FormerManifests former(const ByteStore&, const Catalog&, std::span<const std::byte>) { return {}; }

constexpr model::Grower kGrower = {
    .tail = model::Grower::Tail::manifest_size,
    .decode = decode_keeping,
    .former = former,
    .edit = edit_manifest,
    .relocate = relocate,
};

}  // namespace

const model::Encoder kEncoder = {
    .format = "zt-1.2",
    .title = "1.2",
    .index_limit = "zt12.manifest.limit",
    .index = model::Index::last,
    .alignment = 64,
    .most_alignment = model::kMostAlignment,
    .canonical_alignment = 0,
    .manifest_alignment = 1,
    .holds = {.taken_attribute = kPlanesDType, .planes_of_dense = true},
    .head = head,
    .index_head = nullptr,
    .order = nullptr,
    .storage = [](DType dtype) { return type_words(dtype).storage; },
    .logical = [](DType dtype) { return type_words(dtype).logical; },
    .encoding =
        [](Codec codec) {
          if (codec == Codec::delta) return kDelta;
          return codec == Codec::planes ? kPlanes : word_of(codec);
        },
    .manifest = manifest_of,
    .footer = footer,
    .shard_index = nullptr,
    .grower = &kGrower,
};

}  // namespace zt::container::zt12
