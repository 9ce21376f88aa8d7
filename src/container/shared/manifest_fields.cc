#include "container/shared/manifest_fields.h"

#include <string>

#include "base/utf8.h"
#include "codec/codecs.h"

namespace zt::container {

using wire::CborCursor;
using wire::CborItem;
using wire::CborKind;

void wrong_field(const Field& field, std::string_view expected) {
  throw Error(Code::malformed, field.rule, "field " + in_quotes(field.name) + ": expected " + std::string(expected));
}

std::string_view text_of(const CborItem& item, const Field& field) {
  if (item.kind != CborKind::text && item.kind != CborKind::bytes) wrong_field(field, "text");
  const std::string_view text = as_text(item.content);
  if (item.kind == CborKind::bytes && !is_utf8(text)) wrong_field(field, "UTF-8 text");
  return text;
}

std::uint64_t number_of(const CborItem& item, const Field& field) {
  if (item.kind != CborKind::unsigned_integer) wrong_field(field, "an unsigned integer");
  return item.number;
}

bool is_absent(const CborItem& item) { return item.kind == CborKind::null || item.kind == CborKind::undefined; }

Codec codec_of(std::string_view encoding, const char* rule) {
  if (const codec::Row* row = codec::find_word(codec::Words::zt1, encoding)) return row->codec;
  throw Error(Code::unsupported, rule, "unknown encoding " + in_quotes(encoding));
}

std::string_view read_key(CborCursor& cursor, const char* rule) {
  const CborItem key = cursor.read();
  if (key.kind != CborKind::text && key.kind != CborKind::bytes) {
    throw Error(Code::malformed, rule,
                "offset " + std::to_string(cursor.position()) + " of the manifest: expected a text key");
  }
  return text_of(key, {"key", rule});
}

std::span<const std::byte> read_map_bytes(CborCursor& cursor, const Field& field) {
  std::span<const std::byte> raw = cursor.skip();
  while (static_cast<unsigned>(raw[0]) >> 5 == wire::major::kTag) {
    constexpr std::array<std::size_t, 4> kArgument = {1, 2, 4, 8};
    const unsigned low = static_cast<unsigned>(raw[0]) & 31;
    raw = raw.subspan(low < 24 ? 1 : 1 + kArgument[low - 24]);
  }
  if (static_cast<unsigned>(raw[0]) >> 5 == wire::major::kMap) return raw;
  if (is_absent(CborCursor(raw).read())) return {};
  wrong_field(field, "a map");
}

void read_shape(CborCursor& cursor, const Limits& limits, const Field& field, const char* rank_rule,
                std::vector<std::uint64_t>& shape) {
  if (cursor.read().kind != CborKind::array) wrong_field(field, "an array of unsigned integers");
  while (cursor.more()) {
    if (shape.size() >= limits.rank) {
      throw Error(Code::limit, rank_rule, "more than " + std::to_string(limits.rank) + " dimensions");
    }
    shape.push_back(number_of(cursor.read(), field));
  }
}

wire::CborRules lenient_rules(const Limits& limits, std::uint32_t above) {
  return {.strict = false, .depth = limits.depth > above ? limits.depth - above : 0};
}

}  // namespace zt::container
