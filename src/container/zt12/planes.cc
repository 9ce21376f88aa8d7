#include "container/zt12/planes.h"

#include <string>
#include <utility>

#include "base/utf8.h"
#include "container/shared/fields.h"
#include "container/shared/splice.h"
#include "wire/cbor.h"

namespace zt::container::zt12 {
namespace {

[[noreturn]] void refuse(const char* rule, const std::string& message) { throw Error(Code::malformed, rule, message); }

// The text of an encoded value; empty if it is none.
std::string text_of(std::span<const std::byte> value) {
  wire::CborCursor cursor(value);  // it owns a text that comes in chunks
  const wire::CborItem item = cursor.read();
  return item.kind == wire::CborKind::text ? std::string(as_text(item.content)) : std::string();
}

// A byte string of the same bytes is another key.
bool is_dtype_key(const MemberView& member) {
  return member.key == kPlanesDType && wire::CborCursor(member.encoded_key).read().kind == wire::CborKind::text;
}

std::vector<std::byte> encoded(const MapBuilder& map) {
  wire::CborWriter out;
  map.write(out);
  return std::move(out.buffer());
}

// The attributes with this dtype instead of one they have. `dtype`: an encoded value.
std::vector<std::byte> with_dtype(std::span<const std::byte> attributes, std::vector<std::byte> dtype) {
  MapBuilder map;
  std::vector<MemberView> members;
  if (!attributes.empty()) members = members_of(attributes);
  for (const MemberView& member : members) {
    if (!is_dtype_key(member)) map.keep(member);
  }
  map.add(kPlanesDType, std::move(dtype));
  return encoded(map);
}

}  // namespace

TypeWords words_of_type(std::string_view word) {
  for (std::size_t i = 0; i < kDTypeCount; ++i) {
    const TypeWords words = type_words(static_cast<DType>(i));
    if (word == (words.logical.empty() ? words.storage : words.logical)) return words;
  }
  throw Error(Code::unsupported, "zt12.part.dtype", "unknown dtype " + in_quotes(word));
}

PlanesAsDense planes_as_dense(const ObjectFields& object) {
  if (object.fault) throw *object.fault;
  if (object.parts.size() != 1 || object.parts[0].role != kPlanesRole) {
    refuse("zt12.planes.parts", "an object of format zt.planes/1 needs one component, planes");
  }
  const PartFields& stored = object.parts[0];
  if (stored.fault) throw *stored.fault;
  if (stored.dtype != "u8" || !stored.type.empty() || stored.codec != Codec::zstd || !stored.decoded_length) {
    refuse("zt12.planes.part", "planes must be u8, encoded with zstd, and state their uncompressed_length");
  }
  PlanesAsDense dense{.part = stored, .attributes = {}};
  MapBuilder others;
  std::string word;
  bool is_there = false;
  std::size_t count = 0;
  if (!object.attributes.empty()) {
    const std::vector<MemberView> members = members_of(object.attributes);
    for (const MemberView& member : members) {
      if (is_dtype_key(member)) {
        if (is_there) refuse("zt12.planes.dtype", "the attribute zt.planes.dtype is there twice");
        is_there = true;
        word = text_of(member.value);
      } else {
        others.keep(member);
        ++count;
      }
    }
    if (count > 0) dense.attributes = encoded(others);
  }
  if (word.empty()) refuse("zt12.planes.dtype", "the attribute zt.planes.dtype must say the dtype of the tensor");
  const TypeWords words = words_of_type(word);
  dense.part.role = "data";
  dense.part.dtype = words.storage;
  dense.part.type = words.logical;
  dense.part.codec = Codec::planes;
  return dense;
}

bool is_planes(const model::Catalog& catalog, const model::TensorRow& tensor) {
  return tensor.part_count == 1 && catalog.word(tensor.layout) == "dense" &&
         catalog.parts(tensor)[0].recipe.coding.codec == Codec::planes;
}

std::vector<std::byte> with_planes_dtype(std::span<const std::byte> attributes, std::string_view dtype) {
  wire::CborWriter word;
  word.text(dtype);
  return with_dtype(attributes, std::move(word.buffer()));
}

std::vector<std::byte> keep_planes_dtype(std::span<const std::byte> object, std::span<const std::byte> attributes) {
  const std::vector<MemberView> members = members_of(object);
  const MemberView* format = find_member(members, "format");
  const MemberView* former = find_member(members, "attributes");
  const bool planes = format != nullptr && text_of(format->value) == kPlanes;
  if (planes && former != nullptr && wire::CborCursor(former->value).read().kind == wire::CborKind::map) {
    for (const MemberView& member : members_of(former->value)) {
      if (is_dtype_key(member)) return with_dtype(attributes, {member.value.begin(), member.value.end()});
    }
  }
  return {attributes.begin(), attributes.end()};
}

}  // namespace zt::container::zt12
