#include "container/zt2/manifest.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/count_text.h"
#include "base/utf8.h"
#include "container/shared/fields.h"
#include "container/shared/plain_items.h"
#include "container/zt2/footer.h"
#include "container/zt2/names.h"
#include "ztensor/error.h"

namespace zt::container::zt2 {
namespace {

using wire::CborCursor;
using wire::CborItem;
using wire::CborKind;

constexpr std::size_t kMaxRank = 64;
constexpr std::uint32_t kPlainDepth = 16;  // a plain entry nests less deep

[[noreturn]] void wrong(const char* rule, std::string_view field, std::string_view expected) {
  throw Error(Code::malformed, rule, "field " + in_quotes(field) + ": expected " + std::string(expected));
}

std::string_view text_of(const CborItem& item, const char* rule, std::string_view field) {
  if (item.kind != CborKind::text) wrong(rule, field, "text");
  return as_text(item.content);
}

std::uint64_t number_of(const CborItem& item, const char* rule, std::string_view field) {
  if (item.kind != CborKind::unsigned_integer) wrong(rule, field, "an unsigned integer");
  return item.number;
}

bool next_is_text(const CborCursor& cursor) {
  const auto rest = cursor.rest();
  return !rest.empty() && static_cast<unsigned>(rest[0]) >> 5 == wire::major::kText;
}

// Reads the next key of a struct, and returns its index in `fields`; N for any other key. The cursor rejects duplicate
// keys.
template <std::size_t N>
unsigned read_field(CborCursor& cursor, const std::array<std::string_view, N>& fields) {
  if (!next_is_text(cursor)) {
    cursor.skip();
    return N;
  }
  const std::string_view key = as_text(cursor.read().content);
  unsigned i = 0;
  while (i < N && !same_key(fields[i], key)) ++i;
  return i;
}

// Reads the next key of a map whose keys are names.
std::string_view read_name(CborCursor& cursor, const char* rule) {
  if (!next_is_text(cursor)) {
    throw Error(Code::malformed, rule,
                "offset " + std::to_string(cursor.position()) + " of the manifest: expected a text key");
  }
  return as_text(cursor.read().content);
}

// zt-2 §4
void check_name(std::string_view name) {
  if (is_name(name)) return;
  throw Error(Code::malformed, "zt2.name.form",
              "name " + in_quotes(name) + " of " + count_text(name.size(), "byte") +
                  ": expected 1 to 1024 bytes without U+0000");
}

// A part in the order of its keys. False: read it in the other way.
bool read_plain_part(PlainItems& items, PartFields& out) {
  std::size_t members = 0;
  std::size_t found = 2;
  const auto optional_text = [&](std::string_view key, std::optional<std::string_view>& value) {
    if (!items.key(key)) return true;
    ++found;
    return items.text(value.emplace());
  };
  std::optional<std::string_view> digest;
  if (!items.map(members) || !items.key("blob") || !items.array_of(2) || !items.number(out.offset) ||
      !items.number(out.length))
    return false;
  if (!optional_text("type", out.type)) return false;
  if (!items.key("dtype") || !items.text(out.dtype)) return false;
  if (!optional_text("shard", out.shard)) return false;
  if (!optional_text("digest", digest) || (digest && !is_digest(*digest))) return false;
  if (!optional_text("encoding", out.encoding)) return false;
  out.digest = digest.value_or("");
  out.decoded_length = out.length;
  if (out.encoding) {
    if (!items.key("decoded_length") || !items.number(out.decoded_length)) return false;
    ++found;
  }
  return members == found;
}

wire::CborRules rules(const Limits& limits) { return {.strict = true, .depth = std::min(limits.depth, kDepth)}; }

// zt-2 §3
void check_deterministic(std::span<const std::byte> manifest, const Limits& limits) {
  CborCursor cursor(manifest, rules(limits));
  try {
    cursor.skip();
  } catch (const Error& error) {
    if (limits.depth < kDepth || std::string_view(error.rule()) != "cbor.depth") throw;
    throw Error(Code::malformed, "zt2.manifest.depth", error.what());  // the format's own bound
  }
  cursor.finish();
}

}  // namespace

ManifestCursor::ManifestCursor(std::span<const std::byte> manifest, const Limits& limits)
    : manifest_(manifest), limits_(limits), cursor_(manifest, rules(limits)) {}

// Reports non-deterministic CBOR first, even if the walk met another error earlier. zt-2 §3
RootFields ManifestCursor::walk(const Visitor& visitor) {
  try {
    const RootFields root = walk_root(visitor);
    cursor_.finish();
    return root;
  } catch (const Error&) {
    check_deterministic(manifest_, limits_);
    throw;
  }
}

// zt-2 §4
RootFields ManifestCursor::walk_root(const Visitor& visitor) {
  static constexpr std::array<std::string_view, 3> kFields = {"shards", "objects", "attributes"};
  RootFields root;
  bool found = false;
  if (cursor_.read().kind != CborKind::map) throw Error(Code::malformed, "zt2.root", "the manifest is not a map");
  while (cursor_.more()) {
    switch (read_field(cursor_, kFields)) {
      case 0: walk_shards(visitor); break;  // the order of keys puts it before `objects`
      case 1:
        found = true;
        root.objects.offset = cursor_.position();
        walk_objects(visitor);
        root.objects.length = cursor_.position() - root.objects.offset;
        break;
      case 2: root.attributes = read_attributes("zt2.root.attributes"); break;
      default: cursor_.skip();
    }
  }
  if (!found) wrong("zt2.root.objects", "objects", "to find it");
  return root;
}

// zt-2 §4, §8
void ManifestCursor::walk_shards(const Visitor& visitor) {
  if (cursor_.read().kind != CborKind::map) wrong("zt2.root.shards", "shards", "a map");
  while (cursor_.more()) {
    ShardFields shard;
    shard.name = read_name(cursor_, "zt2.shard.key");
    if (!is_shard_name(shard.name)) {
      throw Error(Code::malformed, "zt2.shard.name",
                  "shard name " + in_quotes(shard.name) +
                      ": expected 1 to 64 letters, digits and ._-, not beginning with a dot");
    }
    try {
      read_shard(shard);
    } catch (Error& error) {
      error.enter("shard " + in_quotes(shard.name));
      throw;
    }
    visitor.shard(shard);
  }
}

// zt-2 §8
void ManifestCursor::read_shard(ShardFields& out) {
  static constexpr std::array<std::string_view, 2> kFields = {"size", "digest"};
  if (cursor_.read().kind != CborKind::map) throw Error(Code::malformed, "zt2.shard", "the entry is not a map");
  while (cursor_.more()) {
    switch (read_field(cursor_, kFields)) {
      case 0: out.size = number_of(cursor_.read(), "zt2.shard.size", "size"); break;
      case 1: out.digest = text_of(cursor_.read(), "zt2.shard.digest", "digest"); break;
      default: cursor_.skip();
    }
  }
  if (out.size < kLeastFileBytes) wrong("zt2.shard.size", "size", "48 or more");  // also if it is missing
  if (!is_digest(out.digest)) wrong("zt2.shard.digest", "digest", "an algorithm, ':' and lowercase hex digits");
}

// zt-2 §4
void ManifestCursor::walk_objects(const Visitor& visitor) {
  const CborItem head = cursor_.read();
  if (head.kind != CborKind::map) wrong("zt2.root.objects", "objects", "a map");
  visitor.expect(head.number);
  while (cursor_.more()) {
    const std::string_view name = read_name(cursor_, "zt2.object.key");
    try {
      check_name(name);
      visitor.named(name);
      if (!read_plain_object(fields_)) read_object(fields_);
      visitor.object(name, fields_);
    } catch (Error& error) {
      error.enter("tensor " + in_quotes(name));
      throw;
    }
  }
}

// Reads an entry of one part and without attributes: nearly all are. Reads nothing and returns false if the entry has
// another form, which may be valid.
bool ManifestCursor::read_plain_object(ObjectFields& out) {
  if (limits_.depth < kPlainDepth || limits_.parts == 0) return false;
  PlainItems items(cursor_.rest());
  if (!items.map_of(3) || !items.key("parts") || !items.map_of(1)) return false;
  out.parts.clear();
  PartFields& part = out.parts.emplace_back();
  if (!items.text(part.role) || !is_name(part.role) || !read_plain_part(items, part)) return false;
  if (!items.key("shape") || !items.numbers(out.shape, kMaxRank)) return false;
  if (!items.key("layout") || !items.text(out.layout)) return false;
  out.attributes = {};
  cursor_.pass(items.position());
  return true;
}

// zt-2 §4
void ManifestCursor::read_object(ObjectFields& out) {
  static constexpr std::array<std::string_view, 4> kFields = {"parts", "shape", "layout", "attributes"};
  out.shape.clear();
  out.attributes = {};
  out.parts.clear();
  std::optional<std::string_view> layout;
  bool shape = false;
  if (cursor_.read().kind != CborKind::map) throw Error(Code::malformed, "zt2.object", "the entry is not a map");
  while (cursor_.more()) {
    switch (read_field(cursor_, kFields)) {
      case 0: read_parts(out.parts); break;
      case 1: read_shape(out.shape), shape = true; break;
      case 2: layout = text_of(cursor_.read(), "zt2.object.layout", "layout"); break;
      case 3: out.attributes = read_attributes("zt2.object.attributes"); break;
      default: cursor_.skip();
    }
  }
  if (out.parts.empty()) wrong("zt2.object.parts", "parts", "at least one");
  if (!shape) wrong("zt2.object.shape", "shape", "to find it");
  if (!layout) wrong("zt2.object.layout", "layout", "to find it");
  out.layout = *layout;
}

// zt-2 §4
void ManifestCursor::read_shape(std::vector<std::uint64_t>& shape) {
  const CborItem head = cursor_.read();
  if (head.kind != CborKind::array) wrong("zt2.object.shape", "shape", "an array of unsigned integers");
  if (head.number > kMaxRank) {
    throw Error(Code::malformed, "zt2.shape.rank",
                "the shape has " + std::to_string(head.number) + " dimensions: expected at most 64");
  }
  while (cursor_.more()) shape.push_back(number_of(cursor_.read(), "zt2.object.shape", "shape"));
}

// zt-2 §4
void ManifestCursor::read_parts(std::vector<PartFields>& parts) {
  if (cursor_.read().kind != CborKind::map) wrong("zt2.object.parts", "parts", "a map");
  while (cursor_.more()) {
    if (parts.size() >= limits_.parts) {
      throw Error(Code::limit, "zt2.object.limit",
                  "the tensor has more than " + std::to_string(limits_.parts) + " parts");
    }
    PartFields& part = parts.emplace_back();
    part.role = read_name(cursor_, "zt2.part.key");
    try {
      check_name(part.role);
      read_part(part);
    } catch (Error& error) {
      error.enter("part " + in_quotes(part.role));
      throw;
    }
  }
}

// zt-2 §4
void ManifestCursor::read_part(PartFields& out) {
  static constexpr std::array<std::string_view, 7> kFields = {"blob",   "type",     "dtype",         "shard",
                                                              "digest", "encoding", "decoded_length"};
  std::optional<std::string_view> dtype, digest;
  std::optional<std::uint64_t> decoded;
  bool blob = false;
  if (cursor_.read().kind != CborKind::map) throw Error(Code::malformed, "zt2.part", "the entry is not a map");
  while (cursor_.more()) {
    switch (read_field(cursor_, kFields)) {
      case 0: read_blob(out), blob = true; break;
      case 1: out.type = text_of(cursor_.read(), "zt2.part.type", "type"); break;
      case 2: dtype = text_of(cursor_.read(), "zt2.part.dtype", "dtype"); break;
      case 3: out.shard = text_of(cursor_.read(), "zt2.part.shard", "shard"); break;
      case 4: digest = text_of(cursor_.read(), "zt2.part.digest", "digest"); break;
      case 5: out.encoding = text_of(cursor_.read(), "zt2.part.encoding", "encoding"); break;
      case 6: decoded = number_of(cursor_.read(), "zt2.part.decoded", "decoded_length"); break;
      default: cursor_.skip();
    }
  }
  if (!blob) wrong("zt2.part.blob", "blob", "to find it");
  if (!dtype) wrong("zt2.part.dtype", "dtype", "to find it");
  if (digest && !is_digest(*digest)) wrong("zt2.part.digest", "digest", "an algorithm, ':' and lowercase hex digits");
  if (decoded.has_value() != out.encoding.has_value()) {
    wrong("zt2.part.decoded", "decoded_length", "to find it exactly if there is an 'encoding'");
  }
  out.dtype = *dtype;
  out.digest = digest.value_or("");
  out.decoded_length = decoded.value_or(out.length);
}

// zt-2 §4
void ManifestCursor::read_blob(PartFields& out) {
  const CborItem head = cursor_.read();
  if (head.kind != CborKind::array || head.number != 2) wrong("zt2.part.blob", "blob", "an offset and a length");
  cursor_.more();
  out.offset = number_of(cursor_.read(), "zt2.part.blob", "blob");
  cursor_.more();
  out.length = number_of(cursor_.read(), "zt2.part.blob", "blob");
  cursor_.more();
}

// zt-2 §4
std::span<const std::byte> ManifestCursor::read_attributes(const char* rule) {
  const auto from = cursor_.rest();
  if (cursor_.read().kind != CborKind::map) wrong(rule, "attributes", "a map");
  while (cursor_.more()) {
    check_name(read_name(cursor_, "zt2.attributes.key"));
    cursor_.skip();
  }
  return from.first(from.size() - cursor_.rest().size());
}

}  // namespace zt::container::zt2
