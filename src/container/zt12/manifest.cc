#include "container/zt12/manifest.h"

#include "codec/codecs.h"
#include "container/shared/manifest_fields.h"
#include "container/shared/plain_items.h"
#include "ztensor/error.h"

namespace zt::container::zt12 {

using wire::CborCursor;
using wire::CborItem;

namespace {

constexpr const char* kKey = "zt12.key";
constexpr const char* kTwice = "zt12.field.duplicate";

// spec/zt-1.2.md §3
constexpr FieldMap<3> kRoot = {"zt12.root",
                               "the manifest",
                               kKey,
                               kTwice,
                               {{{"version", "zt12.root.version", true},
                                 {"attributes", "zt12.root.attributes"},
                                 {"objects", "zt12.root.objects", true}}}};
constexpr FieldMap<4> kObject = {"zt12.object",
                                 "the entry",
                                 kKey,
                                 kTwice,
                                 {{{"shape", "zt12.object.shape", true},
                                   {"format", "zt12.object.format", true},
                                   {"attributes", "zt12.object.attributes"},
                                   {"components", "zt12.object.components", true}}}};
constexpr FieldMap<7> kPart = {"zt12.part",
                               "the component",
                               kKey,
                               kTwice,
                               {{{"dtype", "zt12.part.dtype.text", true},
                                 {"offset", "zt12.part.offset", true},
                                 {"length", "zt12.part.size", true},
                                 {"type", "zt12.part.type.text"},
                                 {"uncompressed_length", "zt12.part.decoded"},
                                 {"encoding", "zt12.part.encoding.text"},
                                 {"digest", "zt12.digest.text"}}}};

// A plain entry nests less deep than this.
constexpr std::uint32_t kPlainDepth = 16;

// A component as our encoder writes it. False: read it in the other way.
bool read_plain_part(PlainItems& items, PartFields& out) {
  std::size_t members = 0;
  std::string_view dtype, type, encoding, digest;
  if (!items.map(members) || !items.key("dtype") || !items.text(dtype)) return false;
  std::size_t found = 3;
  if (items.key("type")) {
    if (!items.text(type)) return false;
    ++found;
  }
  if (!items.key("offset") || !items.number(out.offset)) return false;
  if (!items.key("length") || !items.number(out.length)) return false;
  if (items.key("uncompressed_length")) {
    if (!items.number(out.decoded_length.emplace())) return false;
    ++found;
  }
  if (items.key("encoding")) {
    const codec::Row* row = items.text(encoding) ? codec::find_word(codec::Words::zt1, encoding) : nullptr;
    if (row == nullptr) return false;
    out.codec = row->codec;
    ++found;
  }
  if (items.key("digest")) {
    if (!items.text(digest)) return false;
    ++found;
  }
  out.dtype = dtype;
  out.type = type;
  out.digest = digest;
  return members == found;
}

}  // namespace

ManifestCursor::ManifestCursor(std::span<const std::byte> manifest, const Limits& limits)
    : limits_(limits),
      root_(manifest, lenient_rules(limits, 0)),
      object_({}, lenient_rules(limits, 2)),
      part_({}, lenient_rules(limits, 4)) {}

RootFields ManifestCursor::walk(const Expect& expect, const Named& named,
                                const std::function<void(std::string_view, const ObjectFields&)>& object) {
  RootFields root;
  read_fields(root_, kRoot, [&](unsigned index, const Field& field) {
    switch (index) {
      case 0: root.version = text_of(root_.read(), field); break;
      case 1: root.attributes = read_map_bytes(root_, field); break;
      default:
        root.objects.offset = root_.position();
        walk_objects(field, expect, named, object);
        root.objects.length = root_.position() - root.objects.offset;
    }
  });
  root.length = root_.position();
  return root;
}

void ManifestCursor::walk_objects(const Field& field, const Expect& expect, const Named& named,
                                  const std::function<void(std::string_view, const ObjectFields&)>& object) {
  std::string name;
  read_names(
      root_, field, kKey,
      [&](std::string_view key) {
        name = key;
        named(name);
        if (const std::size_t length = read_plain_object(root_.rest(), fields_)) {
          fields_.fault.reset();
          root_.pass(length);
        } else {
          fields_.fault = attempt(root_, object_, [&] { read_object(fields_); });
        }
        object(name, fields_);
      },
      expect);
}

// Reads an entry that is as our encoder writes it, of one part and without attributes: nearly all are. Returns its
// length; 0: read it in the other way.
std::size_t ManifestCursor::read_plain_object(std::span<const std::byte> bytes, ObjectFields& out) {
  if (limits_.depth < kPlainDepth || limits_.parts == 0) return 0;
  PlainItems items(bytes);
  std::string_view layout, role;
  if (!items.map_of(3) || !items.key("shape") || !items.numbers(out.shape, limits_.rank)) return 0;
  if (!items.key("format") || !items.text(layout)) return 0;
  if (!items.key("components") || !items.map_of(1) || !items.text(role)) return 0;
  if (parts_.empty()) parts_.emplace_back();
  parts_[0].reset(role);
  if (!read_plain_part(items, parts_[0])) return 0;
  out.layout = layout;
  out.attributes = {};
  out.parts = std::span(parts_).first(1);
  return items.position();
}

void ManifestCursor::read_object(ObjectFields& out) {
  out.shape.clear();
  out.layout.clear();
  out.attributes = {};
  out.parts = {};
  read_fields(object_, kObject, [&](unsigned index, const Field& field) {
    switch (index) {
      case 0: read_shape(object_, limits_, field, "zt12.shape.rank", out.shape); break;
      case 1: out.layout = text_of(object_.read(), field); break;
      case 2: out.attributes = read_map_bytes(object_, field); break;
      default: read_parts(field, out.parts);
    }
  });
}

void ManifestCursor::read_parts(const Field& field, std::span<const PartFields>& parts) {
  read_names(object_, field, kKey, [&](std::string_view role) {
    if (parts.size() >= limits_.parts) {
      throw Error(Code::limit, "zt12.object.parts", "more than " + std::to_string(limits_.parts) + " parts");
    }
    if (parts.size() == parts_.size()) parts_.emplace_back();
    PartFields& part = parts_[parts.size()];
    parts = std::span(parts_).first(parts.size() + 1);
    part.reset(role);
    part.fault = attempt(object_, part_, [&] { read_part(part_, part); });
  });
}

void ManifestCursor::read_part(CborCursor& cursor, PartFields& out) {
  read_fields(cursor, kPart, [&](unsigned index, const Field& field) {
    const CborItem value = cursor.read();
    if (!field.required && is_absent(value)) return;
    switch (index) {
      case 0: out.dtype = text_of(value, field); break;
      case 1: out.offset = number_of(value, field); break;
      case 2: out.length = number_of(value, field); break;
      case 3: out.type = text_of(value, field); break;
      case 4: out.decoded_length = number_of(value, field); break;
      case 5: out.codec = codec_of(text_of(value, field), "zt12.part.encoding"); break;
      default: out.digest = text_of(value, field);
    }
  });
}

}  // namespace zt::container::zt12
