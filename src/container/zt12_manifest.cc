#include "container/zt12_manifest.h"

#include <array>

#include "base/utf8.h"
#include "ztensor/error.h"

namespace zt::container::zt12 {
namespace {

using wire::CborCursor;
using wire::CborItem;
using wire::CborKind;

[[noreturn]] void wrong(const char* rule, std::string_view field, std::string_view expected) {
  throw Error(Code::malformed, rule, "field " + in_quotes(field) + ": expected " + std::string(expected));
}

// Text; byte strings of UTF-8 are taken for it, as 1.1 readers do.
std::string_view text_of(const CborItem& item, const char* rule, std::string_view field) {
  if (item.kind != CborKind::text && item.kind != CborKind::bytes) wrong(rule, field, "text");
  const std::string_view text = as_text(item.content);
  if (item.kind == CborKind::bytes && !is_utf8(text)) wrong(rule, field, "UTF-8 text");
  return text;
}

std::uint64_t number_of(const CborItem& item, const char* rule, std::string_view field) {
  if (item.kind != CborKind::unsigned_integer) wrong(rule, field, "an unsigned integer");
  return item.number;
}

bool is_absent(const CborItem& item) { return item.kind == CborKind::null || item.kind == CborKind::undefined; }

// A field of a struct map may stand once. §3
class SeenOnce {
 public:
  void mark(unsigned field, std::string_view name) {
    if (seen_ & (1U << field)) wrong("zt12.field.duplicate", name, "it once");
    seen_ |= 1U << field;
  }
  bool has(unsigned field) const { return (seen_ & (1U << field)) != 0; }

 private:
  unsigned seen_ = 0;
};

// Passes over a map and returns its encoded bytes without tags around it; nothing for null. `rule` when it is no map.
std::span<const std::byte> map_bytes(CborCursor& cursor, const char* rule, std::string_view field) {
  std::span<const std::byte> raw = cursor.skip();
  while (static_cast<unsigned>(raw[0]) >> 5 == 6) {
    constexpr std::array<std::size_t, 4> kArgument = {1, 2, 4, 8};
    const unsigned low = static_cast<unsigned>(raw[0]) & 31;
    raw = raw.subspan(low < 24 ? 1 : 1 + kArgument[low - 24]);
  }
  if (static_cast<unsigned>(raw[0]) >> 5 == 5) return raw;
  if (is_absent(CborCursor(raw).read())) return {};
  wrong(rule, field, "a map");
}

// The number of `key` among `fields`, or their count.
template <std::size_t N>
unsigned find_field(const std::array<std::string_view, N>& fields, std::string_view key) {
  unsigned i = 0;
  while (i < N && fields[i] != key) ++i;
  return i;
}

// The next key of a map, as text; valid until the cursor moves.
std::string_view read_key(CborCursor& cursor) {
  const CborItem key = cursor.read();
  if (key.kind != CborKind::text && key.kind != CborKind::bytes) {
    throw Error(Code::malformed, "zt12.key",
                "offset " + std::to_string(cursor.position()) + " of the manifest: expected a text key");
  }
  return text_of(key, "zt12.key", "key");
}

// Reads the next item of `outer` by `inner`. What `work` throws is returned, and the item passed over; where even that
// fails, the CBOR itself is broken, nothing after it can be trusted, and it is thrown.
template <class Work>
std::optional<Error> attempt(CborCursor& outer, CborCursor& inner, Work&& work) {
  inner.restart(outer.rest());
  try {
    work();
  } catch (const Error& error) {
    outer.skip();
    return error;
  }
  outer.pass(inner.position());
  return std::nullopt;
}

wire::CborRules rules(const Limits& limits, std::uint32_t above) {
  return {.strict = false, .depth = limits.depth > above ? limits.depth - above : 0};
}

}  // namespace

ManifestCursor::ManifestCursor(std::span<const std::byte> manifest, const Limits& limits)
    : limits_(limits), root_(manifest, rules(limits, 0)), object_({}, rules(limits, 2)), part_({}, rules(limits, 4)) {}

RootFields ManifestCursor::walk(const std::function<void(std::string_view, const ObjectFields&)>& object) {
  static constexpr std::array<std::string_view, 3> kFields = {"version", "attributes", "objects"};
  RootFields root;
  if (root_.read().kind != CborKind::map) throw Error(Code::malformed, "zt12.root", "the manifest is no map");
  SeenOnce seen;
  while (root_.more()) {
    const unsigned field = find_field(kFields, read_key(root_));
    if (field < kFields.size()) seen.mark(field, kFields[field]);
    switch (field) {
      case 0: root.version = text_of(root_.read(), "zt12.root.version", "version"); break;
      case 1: root.attributes = map_bytes(root_, "zt12.root.attributes", "attributes"); break;
      case 2: walk_objects(object); break;
      default: root_.skip();
    }
  }
  if (!seen.has(0)) wrong("zt12.root.version", "version", "it to be there");
  if (!seen.has(2)) wrong("zt12.root.objects", "objects", "it to be there");
  return root;
}

void ManifestCursor::walk_objects(const std::function<void(std::string_view, const ObjectFields&)>& object) {
  if (root_.read().kind != CborKind::map) wrong("zt12.root.objects", "objects", "a map");
  std::string name;
  while (root_.more()) {
    name = read_key(root_);
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
  SeenOnce seen;
  while (object_.more()) {
    const unsigned field = find_field(kFields, read_key(object_));
    if (field < kFields.size()) seen.mark(field, kFields[field]);
    switch (field) {
      case 0: read_shape(out.shape); break;
      case 1: out.layout = text_of(object_.read(), "zt12.object.format", "format"); break;
      case 2: out.attributes = map_bytes(object_, "zt12.object.attributes", "attributes"); break;
      case 3: read_parts(out.parts); break;
      default: object_.skip();
    }
  }
  if (!seen.has(0)) wrong("zt12.object.shape", "shape", "it to be there");
  if (!seen.has(1)) wrong("zt12.object.format", "format", "it to be there");
  if (!seen.has(3)) wrong("zt12.object.components", "components", "it to be there");
}

void ManifestCursor::read_shape(std::vector<std::uint64_t>& shape) {
  if (object_.read().kind != CborKind::array) wrong("zt12.object.shape", "shape", "an array of unsigned integers");
  while (object_.more()) {
    if (shape.size() >= limits_.rank) {
      throw Error(Code::limit, "zt12.shape.rank", "more than " + std::to_string(limits_.rank) + " dimensions");
    }
    shape.push_back(number_of(object_.read(), "zt12.object.shape", "shape"));
  }
}

void ManifestCursor::read_parts(std::vector<PartFields>& parts) {
  if (object_.read().kind != CborKind::map) wrong("zt12.object.components", "components", "a map");
  while (object_.more()) {
    if (parts.size() >= limits_.parts) {
      throw Error(Code::limit, "zt12.object.parts", "more than " + std::to_string(limits_.parts) + " parts");
    }
    PartFields& part = parts.emplace_back();
    part.role = read_key(object_);
    part.fault = attempt(object_, part_, [&] { read_part(part_, part); });
  }
}

void ManifestCursor::read_part(CborCursor& cursor, PartFields& out) {
  static constexpr std::array<std::string_view, 7> kFields = {
      "dtype", "offset", "length", "type", "uncompressed_length", "encoding", "digest"};
  if (cursor.read().kind != CborKind::map) throw Error(Code::malformed, "zt12.part", "the component is no map");
  SeenOnce seen;
  while (cursor.more()) {
    const unsigned field = find_field(kFields, read_key(cursor));
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
      case 5: {
        const std::string_view encoding = text_of(value, "zt12.part.encoding.text", "encoding");
        out.zstd = encoding == "zstd";
        if (!out.zstd && encoding != "raw") {
          throw Error(Code::unsupported, "zt12.part.encoding", "unknown encoding " + in_quotes(encoding));
        }
        break;
      }
      default: out.digest = text_of(value, "zt12.digest.text", "digest");
    }
  }
  if (!seen.has(0)) wrong("zt12.part.dtype.text", "dtype", "it to be there");
  if (!seen.has(1)) wrong("zt12.part.offset", "offset", "it to be there");
  if (!seen.has(2)) wrong("zt12.part.size", "length", "it to be there");
}

}  // namespace zt::container::zt12
