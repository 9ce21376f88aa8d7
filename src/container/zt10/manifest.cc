#include "container/zt10/manifest.h"

#include "container/shared/manifest_fields.h"

namespace zt::container::zt10 {

using wire::CborCursor;
using wire::CborItem;

namespace {

constexpr const char* kKey = "zt10.key";
constexpr const char* kTwice = "zt10.field.duplicate";

// spec/zt-1.0.md §3
constexpr FieldMap<4> kRoot = {"zt10.root",
                               "the manifest",
                               kKey,
                               kTwice,
                               {{{"version", "zt10.root.version", true},
                                 {"generator", "zt10.field.duplicate"},
                                 {"attributes", "zt10.root.attributes"},
                                 {"tensors", "zt10.root.tensors", true}}}};
constexpr FieldMap<4> kTensor = {"zt10.tensor",
                                 "the entry",
                                 kKey,
                                 kTwice,
                                 {{{"dtype", "zt10.tensor.dtype.text", true},
                                   {"shape", "zt10.tensor.shape", true},
                                   {"format", "zt10.tensor.format", true},
                                   {"components", "zt10.tensor.components", true}}}};
constexpr FieldMap<4> kPart = {"zt10.part",
                               "the component",
                               kKey,
                               kTwice,
                               {{{"offset", "zt10.part.offset", true},
                                 {"length", "zt10.part.size", true},
                                 {"encoding", "zt10.part.encoding.text"},
                                 {"digest", "zt10.digest.text"}}}};

}  // namespace

ManifestCursor::ManifestCursor(std::span<const std::byte> manifest, const Limits& limits)
    : limits_(limits),
      root_(manifest, lenient_rules(limits, 0)),
      tensor_({}, lenient_rules(limits, 2)),
      part_({}, lenient_rules(limits, 4)) {}

std::span<const std::byte> ManifestCursor::walk(
    const Expect& expect, const std::function<void(std::string_view, const TensorFields&)>& tensor) {
  std::span<const std::byte> attributes;
  read_fields(root_, kRoot, [&](unsigned index, const Field& field) {
    switch (index) {
      case 0: text_of(root_.read(), field); break;
      case 1: root_.skip(); break;  // readers do not need the generator
      case 2: attributes = read_map_bytes(root_, field); break;
      default: walk_tensors(field, expect, tensor);
    }
  });
  return attributes;
}

void ManifestCursor::walk_tensors(const Field& field, const Expect& expect,
                                  const std::function<void(std::string_view, const TensorFields&)>& tensor) {
  std::string name;
  read_names(
      root_, field, kKey,
      [&](std::string_view key) {
        name = key;
        fields_.fault = attempt(root_, tensor_, [&] { read_tensor(fields_); });
        tensor(name, fields_);
      },
      expect);
}

void ManifestCursor::read_tensor(TensorFields& out) {
  out.dtype.clear();
  out.shape.clear();
  out.layout.clear();
  out.parts.clear();
  read_fields(tensor_, kTensor, [&](unsigned index, const Field& field) {
    switch (index) {
      case 0: out.dtype = text_of(tensor_.read(), field); break;
      case 1: read_shape(tensor_, limits_, field, "zt10.shape.rank", out.shape); break;
      case 2: out.layout = text_of(tensor_.read(), field); break;
      default: read_parts(field, out.parts);
    }
  });
}

void ManifestCursor::read_parts(const Field& field, std::vector<PartFields>& parts) {
  read_names(tensor_, field, kKey, [&](std::string_view role) {
    if (parts.size() >= limits_.parts) {
      throw Error(Code::limit, "zt10.tensor.parts", "more than " + std::to_string(limits_.parts) + " parts");
    }
    PartFields& part = parts.emplace_back();
    part.role = role;
    part.fault = attempt(tensor_, part_, [&] { read_part(part_, part); });
  });
}

void ManifestCursor::read_part(CborCursor& cursor, PartFields& out) {
  read_fields(cursor, kPart, [&](unsigned index, const Field& field) {
    const CborItem value = cursor.read();
    if (!field.required && is_absent(value)) return;
    switch (index) {
      case 0: out.offset = number_of(value, field); break;
      case 1: out.length = number_of(value, field); break;
      case 2: out.codec = codec_of(text_of(value, field), "zt10.part.encoding"); break;
      default: out.digest = text_of(value, field);
    }
  });
}

}  // namespace zt::container::zt10
