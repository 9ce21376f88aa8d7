#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/cbor.h"
#include "ztensor/encoding.h"
#include "ztensor/error.h"
#include "ztensor/limits.h"

// How fields are read from the CBOR of the generations before 2, each of which names its own rules.
namespace zt::container {

// A field of a map whose keys the format fixes.
struct Field {
  std::string_view name;
  const char* rule;  // what is thrown, as malformed, for a wrong value and where it is missing
  bool required = false;
};

// A kind of such maps.
template <std::size_t N>
struct FieldMap {
  const char* rule;       // it is no map
  std::string_view what;  // it is
  const char* key_rule;   // a key is no text
  const char* twice_rule;
  std::array<Field, N> fields;
};

[[noreturn]] void wrong_field(const Field& field, std::string_view expected);

// Text; byte strings of UTF-8 are taken for it, as the older readers do. Valid until the cursor moves.
std::string_view text_of(const wire::CborItem& item, const Field& field);
std::uint64_t number_of(const wire::CborItem& item, const Field& field);
bool is_absent(const wire::CborItem& item);  // null or undefined
// The codec that these generations name so. Throws unsupported for another word.
Codec codec_of(std::string_view encoding, const char* rule);

// The next key of a map, as text; valid until the cursor moves.
std::string_view read_key(wire::CborCursor& cursor, const char* rule);
// Passes over a map and returns its encoded bytes without tags around it; nothing for null.
std::span<const std::byte> read_map_bytes(wire::CborCursor& cursor, const Field& field);
// Appends the dimensions of a shape; `rank_rule` is for more than the limit of them.
void read_shape(wire::CborCursor& cursor, const Limits& limits, const Field& field, const char* rank_rule,
                std::vector<std::uint64_t>& shape);

// The lenient rules for a cursor that begins beneath `above` open containers.
wire::CborRules lenient_rules(const Limits& limits, std::uint32_t above);

// Which fields of a map have been there: each may be once.
class SeenOnce {
 public:
  explicit SeenOnce(const char* twice_rule) : rule_(twice_rule) {}
  void mark(unsigned index, const Field& field) {
    if (has(index)) wrong_field({field.name, rule_}, "it once");
    seen_ |= 1U << index;
  }
  bool has(unsigned index) const { return (seen_ & (1U << index)) != 0; }
  void require(unsigned index, const Field& field) const {
    if (field.required && !has(index)) wrong_field(field, "it to be there");
  }

 private:
  const char* rule_;
  unsigned seen_ = 0;
};

// The index of `key` among the fields, or their count.
template <std::size_t N>
unsigned find_field(const std::array<Field, N>& fields, std::string_view key) {
  unsigned i = 0;
  while (i < N && fields[i].name != key) ++i;
  return i;
}

// Reads such a map: `read(index, field)` reads the value of a field. Unknown keys are passed over.
template <std::size_t N, class Read>
void read_fields(wire::CborCursor& cursor, const FieldMap<N>& map, Read&& read) {
  if (cursor.read().kind != wire::CborKind::map) {
    throw Error(Code::malformed, map.rule, std::string(map.what) + " is no map");
  }
  SeenOnce seen(map.twice_rule);
  while (cursor.more()) {
    const unsigned index = find_field(map.fields, read_key(cursor, map.key_rule));
    if (index == N) {
      cursor.skip();
      continue;
    }
    seen.mark(index, map.fields[index]);
    read(index, map.fields[index]);
  }
  for (unsigned i = 0; i < N; ++i) seen.require(i, map.fields[i]);
}

// How many entries an index says that it has, before they come; 0 where it does not say.
using Expect = std::function<void(std::uint64_t count)>;

// Reads a map whose keys are names: `read(name)` reads the value of each, and has its name until then.
template <class Read>
void read_names(wire::CborCursor& cursor, const Field& field, const char* key_rule, Read&& read,
                const Expect& expect = {}) {
  const wire::CborItem head = cursor.read();
  if (head.kind != wire::CborKind::map) wrong_field(field, "a map");
  if (expect) expect(head.indefinite ? 0 : head.number);
  while (cursor.more()) read(read_key(cursor, key_rule));
}

// Reads the next item of `outer` by `inner`. What `work` throws is returned, and the item passed over; where even that
// fails, the CBOR itself is broken, nothing after it can be trusted, and it is thrown.
template <class Work>
std::optional<Error> attempt(wire::CborCursor& outer, wire::CborCursor& inner, Work&& work) {
  inner.restart(outer.rest());
  try {
    std::forward<Work>(work)();
  } catch (const Error& error) {
    outer.skip();
    return error;
  }
  outer.pass(inner.position());
  return std::nullopt;
}

}  // namespace zt::container
