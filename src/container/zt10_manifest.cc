#include "container/zt10_manifest.h"

#include <array>

#include "base/utf8.h"
#include "container/manifest_fields.h"

namespace zt::container::zt10 {

using wire::CborCursor;
using wire::CborItem;
using wire::CborKind;

ManifestCursor::ManifestCursor(std::span<const std::byte> manifest, const Limits& limits)
    : limits_(limits),
      root_(manifest, lenient_rules(limits, 0)),
      tensor_({}, lenient_rules(limits, 2)),
      part_({}, lenient_rules(limits, 4)) {}

std::span<const std::byte> ManifestCursor::walk(
    const std::function<void(std::string_view, const TensorFields&)>& tensor) {
  static constexpr std::array<std::string_view, 4> kFields = {"version", "generator", "attributes", "tensors"};
  if (root_.read().kind != CborKind::map) throw Error(Code::malformed, "zt10.root", "the manifest is no map");
  std::span<const std::byte> attributes;
  SeenOnce seen("zt10.field.duplicate");
  while (root_.more()) {
    const unsigned field = find_field(kFields, read_key(root_, "zt10.key"));
    if (field < kFields.size()) seen.mark(field, kFields[field]);
    switch (field) {
      case 0: text_of(root_.read(), "zt10.root.version", "version"); break;
      case 2: attributes = read_map_bytes(root_, "zt10.root.attributes", "attributes"); break;
      case 3: walk_tensors(tensor); break;
      default: root_.skip();  // who wrote it is of no use to a reader
    }
  }
  seen.require(0, "zt10.root.version", "version");
  seen.require(3, "zt10.root.tensors", "tensors");
  return attributes;
}

void ManifestCursor::walk_tensors(const std::function<void(std::string_view, const TensorFields&)>& tensor) {
  if (root_.read().kind != CborKind::map) wrong_field("zt10.root.tensors", "tensors", "a map");
  std::string name;
  while (root_.more()) {
    name = read_key(root_, "zt10.key");
    fields_.fault = attempt(root_, tensor_, [&] { read_tensor(fields_); });
    tensor(name, fields_);
  }
}

void ManifestCursor::read_tensor(TensorFields& out) {
  static constexpr std::array<std::string_view, 4> kFields = {"dtype", "shape", "format", "components"};
  out.dtype.clear();
  out.shape.clear();
  out.layout.clear();
  out.parts.clear();
  if (tensor_.read().kind != CborKind::map) throw Error(Code::malformed, "zt10.tensor", "the entry is no map");
  SeenOnce seen("zt10.field.duplicate");
  while (tensor_.more()) {
    const unsigned field = find_field(kFields, read_key(tensor_, "zt10.key"));
    if (field < kFields.size()) seen.mark(field, kFields[field]);
    switch (field) {
      case 0: out.dtype = text_of(tensor_.read(), "zt10.tensor.dtype.text", "dtype"); break;
      case 1: read_shape(tensor_, limits_, "zt10.tensor.shape", "zt10.shape.rank", out.shape); break;
      case 2: out.layout = text_of(tensor_.read(), "zt10.tensor.format", "format"); break;
      case 3: read_parts(out.parts); break;
      default: tensor_.skip();
    }
  }
  seen.require(0, "zt10.tensor.dtype.text", "dtype");
  seen.require(1, "zt10.tensor.shape", "shape");
  seen.require(2, "zt10.tensor.format", "format");
  seen.require(3, "zt10.tensor.components", "components");
}

void ManifestCursor::read_parts(std::vector<PartFields>& parts) {
  if (tensor_.read().kind != CborKind::map) wrong_field("zt10.tensor.components", "components", "a map");
  while (tensor_.more()) {
    if (parts.size() >= limits_.parts) {
      throw Error(Code::limit, "zt10.tensor.parts", "more than " + std::to_string(limits_.parts) + " parts");
    }
    PartFields& part = parts.emplace_back();
    part.role = read_key(tensor_, "zt10.key");
    part.fault = attempt(tensor_, part_, [&] { read_part(part_, part); });
  }
}

void ManifestCursor::read_part(CborCursor& cursor, PartFields& out) {
  static constexpr std::array<std::string_view, 4> kFields = {"offset", "length", "encoding", "digest"};
  if (cursor.read().kind != CborKind::map) throw Error(Code::malformed, "zt10.part", "the component is no map");
  SeenOnce seen("zt10.field.duplicate");
  while (cursor.more()) {
    const unsigned field = find_field(kFields, read_key(cursor, "zt10.key"));
    if (field == kFields.size()) {
      cursor.skip();
      continue;
    }
    seen.mark(field, kFields[field]);
    const CborItem value = cursor.read();
    if (field > 1 && is_absent(value)) continue;
    switch (field) {
      case 0: out.offset = number_of(value, "zt10.part.offset", "offset"); break;
      case 1: out.length = number_of(value, "zt10.part.size", "length"); break;
      case 2: out.zstd = is_zstd(text_of(value, "zt10.part.encoding.text", "encoding"), "zt10.part.encoding"); break;
      default: out.digest = text_of(value, "zt10.digest.text", "digest");
    }
  }
  seen.require(0, "zt10.part.offset", "offset");
  seen.require(1, "zt10.part.size", "length");
}

}  // namespace zt::container::zt10
