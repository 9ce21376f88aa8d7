#include "container/zt12_manifest.h"

#include <array>

#include "base/utf8.h"
#include "container/manifest_fields.h"
#include "ztensor/error.h"

namespace zt::container::zt12 {

using wire::CborCursor;
using wire::CborItem;
using wire::CborKind;

ManifestCursor::ManifestCursor(std::span<const std::byte> manifest, const Limits& limits)
    : limits_(limits),
      root_(manifest, lenient_rules(limits, 0)),
      object_({}, lenient_rules(limits, 2)),
      part_({}, lenient_rules(limits, 4)) {}

RootFields ManifestCursor::walk(const std::function<void(std::string_view, const ObjectFields&)>& object) {
  static constexpr std::array<std::string_view, 3> kFields = {"version", "attributes", "objects"};
  RootFields root;
  if (root_.read().kind != CborKind::map) throw Error(Code::malformed, "zt12.root", "the manifest is no map");
  SeenOnce seen("zt12.field.duplicate");
  while (root_.more()) {
    const unsigned field = find_field(kFields, read_key(root_, "zt12.key"));
    if (field < kFields.size()) seen.mark(field, kFields[field]);
    switch (field) {
      case 0: root.version = text_of(root_.read(), "zt12.root.version", "version"); break;
      case 1: root.attributes = read_map_bytes(root_, "zt12.root.attributes", "attributes"); break;
      case 2: walk_objects(object); break;
      default: root_.skip();
    }
  }
  seen.require(0, "zt12.root.version", "version");
  seen.require(2, "zt12.root.objects", "objects");
  return root;
}

void ManifestCursor::walk_objects(const std::function<void(std::string_view, const ObjectFields&)>& object) {
  if (root_.read().kind != CborKind::map) wrong_field("zt12.root.objects", "objects", "a map");
  std::string name;
  while (root_.more()) {
    name = read_key(root_, "zt12.key");
    fields_.fault = attempt(root_, object_, [&] { read_object(fields_); });
    object(name, fields_);
  }
}

void ManifestCursor::read_object(ObjectFields& out) {
  static constexpr std::array<std::string_view, 4> kFields = {"shape", "format", "attributes", "components"};
  out.shape.clear();
  out.layout.clear();
  out.attributes = {};
  out.parts.clear();
  if (object_.read().kind != CborKind::map) throw Error(Code::malformed, "zt12.object", "the entry is no map");
  SeenOnce seen("zt12.field.duplicate");
  while (object_.more()) {
    const unsigned field = find_field(kFields, read_key(object_, "zt12.key"));
    if (field < kFields.size()) seen.mark(field, kFields[field]);
    switch (field) {
      case 0: read_shape(object_, limits_, "zt12.object.shape", "zt12.shape.rank", out.shape); break;
      case 1: out.layout = text_of(object_.read(), "zt12.object.format", "format"); break;
      case 2: out.attributes = read_map_bytes(object_, "zt12.object.attributes", "attributes"); break;
      case 3: read_parts(out.parts); break;
      default: object_.skip();
    }
  }
  seen.require(0, "zt12.object.shape", "shape");
  seen.require(1, "zt12.object.format", "format");
  seen.require(3, "zt12.object.components", "components");
}

void ManifestCursor::read_parts(std::vector<PartFields>& parts) {
  if (object_.read().kind != CborKind::map) wrong_field("zt12.object.components", "components", "a map");
  while (object_.more()) {
    if (parts.size() >= limits_.parts) {
      throw Error(Code::limit, "zt12.object.parts", "more than " + std::to_string(limits_.parts) + " parts");
    }
    PartFields& part = parts.emplace_back();
    part.role = read_key(object_, "zt12.key");
    part.fault = attempt(object_, part_, [&] { read_part(part_, part); });
  }
}

void ManifestCursor::read_part(CborCursor& cursor, PartFields& out) {
  static constexpr std::array<std::string_view, 7> kFields = {
      "dtype", "offset", "length", "type", "uncompressed_length", "encoding", "digest"};
  if (cursor.read().kind != CborKind::map) throw Error(Code::malformed, "zt12.part", "the component is no map");
  SeenOnce seen("zt12.field.duplicate");
  while (cursor.more()) {
    const unsigned field = find_field(kFields, read_key(cursor, "zt12.key"));
    if (field == kFields.size()) {
      cursor.skip();
      continue;
    }
    seen.mark(field, kFields[field]);
    const CborItem value = cursor.read();
    if (field > 2 && is_absent(value)) continue;
    switch (field) {
      case 0: out.dtype = text_of(value, "zt12.part.dtype.text", "dtype"); break;
      case 1: out.offset = number_of(value, "zt12.part.offset", "offset"); break;
      case 2: out.length = number_of(value, "zt12.part.size", "length"); break;
      case 3: out.type = text_of(value, "zt12.part.type.text", "type"); break;
      case 4: out.decoded_length = number_of(value, "zt12.part.decoded", "uncompressed_length"); break;
      case 5: out.zstd = is_zstd(text_of(value, "zt12.part.encoding.text", "encoding"), "zt12.part.encoding"); break;
      default: out.digest = text_of(value, "zt12.digest.text", "digest");
    }
  }
  seen.require(0, "zt12.part.dtype.text", "dtype");
  seen.require(1, "zt12.part.offset", "offset");
  seen.require(2, "zt12.part.size", "length");
}

}  // namespace zt::container::zt12
