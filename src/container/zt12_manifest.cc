#include "container/zt12_manifest.h"

#include <array>

#include "base/utf8.h"
#include "ztensor/error.h"

namespace zt::container::zt12 {
namespace {

using wire::CborCursor;
using wire::CborItem;
using wire::CborKind;
using wire::CborRules;

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
std::span<const std::byte> map_bytes(CborCursor& cursor, const char* rule, std::string_view field, bool optional) {
  std::span<const std::byte> raw = cursor.skip();
  while (static_cast<unsigned>(raw[0]) >> 5 == 6) {
    constexpr std::array<std::size_t, 4> kArgument = {1, 2, 4, 8};
    const unsigned low = static_cast<unsigned>(raw[0]) & 31;
    raw = raw.subspan(low < 24 ? 1 : 1 + kArgument[low - 24]);
  }
  if (static_cast<unsigned>(raw[0]) >> 5 == 5) return raw;
  if (optional && is_absent(CborCursor(raw).read())) return {};
  wrong(rule, field, "a map");
}

// The number of `key` among `fields`, or their count.
template <std::size_t N>
unsigned find_field(const std::array<std::string_view, N>& fields, std::string_view key) {
  unsigned i = 0;
  while (i < N && fields[i] != key) ++i;
  return i;
}

void read_shape(CborCursor& cursor, const Limits& limits, std::vector<std::uint64_t>& shape) {
  if (cursor.read().kind != CborKind::array) wrong("zt12.object.shape", "shape", "an array of unsigned integers");
  while (cursor.more()) {
    if (shape.size() >= limits.rank) {
      throw Error(Code::limit, "zt12.shape.rank", "more than " + std::to_string(limits.rank) + " dimensions");
    }
    shape.push_back(number_of(cursor.read(), "zt12.object.shape", "shape"));
  }
}

}  // namespace

std::string_view read_key(CborCursor& cursor) {
  const CborItem key = cursor.read();
  if (key.kind != CborKind::text && key.kind != CborKind::bytes) {
    throw Error(Code::malformed, "zt12.key",
                "offset " + std::to_string(cursor.position()) + " of the manifest: expected a text key");
  }
  return text_of(key, "zt12.key", "key");
}

RootFields read_root(std::span<const std::byte> manifest, const Limits& limits) {
  static constexpr std::array<std::string_view, 3> kFields = {"version", "attributes", "objects"};
  RootFields root;
  CborCursor cursor(manifest, {.strict = false, .depth = limits.depth});
  if (cursor.read().kind != CborKind::map) throw Error(Code::malformed, "zt12.root", "the manifest is no map");
  SeenOnce seen;
  while (cursor.more()) {
    const unsigned field = find_field(kFields, read_key(cursor));
    if (field < kFields.size()) seen.mark(field, kFields[field]);
    switch (field) {
      case 0: root.version = text_of(cursor.read(), "zt12.root.version", "version"); break;
      case 1: root.attributes = map_bytes(cursor, "zt12.root.attributes", "attributes", true); break;
      case 2: root.objects = map_bytes(cursor, "zt12.root.objects", "objects", false); break;
      default: cursor.skip();
    }
  }
  if (!seen.has(0)) wrong("zt12.root.version", "version", "it to be there");
  if (!seen.has(2)) wrong("zt12.root.objects", "objects", "it to be there");
  return root;  // bytes after the item are tolerated: appends leave some
}

void read_object(std::span<const std::byte> item, const Limits& limits, ObjectFields& out) {
  static constexpr std::array<std::string_view, 4> kFields = {"shape", "format", "attributes", "components"};
  out.shape.clear();
  out.layout.clear();
  out.attributes = {};
  out.components = {};
  CborCursor cursor(item, {.strict = false, .depth = limits.depth});
  if (cursor.read().kind != CborKind::map) throw Error(Code::malformed, "zt12.object", "the entry is no map");
  SeenOnce seen;
  while (cursor.more()) {
    const unsigned field = find_field(kFields, read_key(cursor));
    if (field < kFields.size()) seen.mark(field, kFields[field]);
    switch (field) {
      case 0: read_shape(cursor, limits, out.shape); break;
      case 1: out.layout = text_of(cursor.read(), "zt12.object.format", "format"); break;
      case 2: out.attributes = map_bytes(cursor, "zt12.object.attributes", "attributes", true); break;
      case 3: out.components = map_bytes(cursor, "zt12.object.components", "components", false); break;
      default: cursor.skip();
    }
  }
  if (!seen.has(0)) wrong("zt12.object.shape", "shape", "it to be there");
  if (!seen.has(1)) wrong("zt12.object.format", "format", "it to be there");
  if (!seen.has(3)) wrong("zt12.object.components", "components", "it to be there");
}

void read_part(std::span<const std::byte> item, PartFields& out) {
  static constexpr std::array<std::string_view, 7> kFields = {
      "dtype", "offset", "length", "type", "uncompressed_length", "encoding", "digest"};
  out = PartFields{};
  CborCursor cursor(item);
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
