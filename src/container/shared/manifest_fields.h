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

#include "container/shared/fields.h"
#include "wire/cbor.h"
#include "ztensor/encoding.h"
#include "ztensor/error.h"
#include "ztensor/limits.h"

// Reads fields from the CBOR of the generations before 2. Each generation has its own rule ids.
namespace zt::container {

// A field of a map whose keys the format fixes.
struct Field {
  std::string_view name;
  const char* rule;  // thrown, as malformed, if the value is wrong or missing
  bool required = false;
};

// A map with these fields, and the rules that are thrown for it.
template <std::size_t N>
struct FieldMap {
  const char* rule;        // the value is not a map
  std::string_view what;   // the name of the map, for messages
  const char* key_rule;    // a key is not a text
  const char* twice_rule;  // a field comes twice
  std::array<Field, N> fields;
};

[[noreturn]] void wrong_field(const Field& field, std::string_view expected);

// The text of an item. Byte strings of UTF-8 count as text, as in older readers. Valid until the cursor moves.
std::string_view text_of(const wire::CborItem& item, const Field& field);
std::uint64_t number_of(const wire::CborItem& item, const Field& field);
bool is_absent(const wire::CborItem& item);  // null or undefined
// The codec of an encoding of these generations. Throws unsupported for any other encoding.
Codec codec_of(std::string_view encoding, const char* rule);

// The next key of a map, as text; valid until the cursor moves.
std::string_view read_key(wire::CborCursor& cursor, const char* rule);
// Skips a map, and returns its encoded bytes without the tags around it; empty for null.
std::span<const std::byte> read_map_bytes(wire::CborCursor& cursor, const Field& field);
// Appends the dimensions of a shape. Throws `rank_rule`, as limit, if there are too many.
void read_shape(wire::CborCursor& cursor, const Limits& limits, const Field& field, const char* rank_rule,
                std::vector<std::uint64_t>& shape);

// The lenient rules for a cursor that begins beneath `above` open containers.
wire::CborRules lenient_rules(const Limits& limits, std::uint32_t above);

// The fields of a map that were seen so far. Each may come once.
class SeenOnce {
 public:
  explicit SeenOnce(const char* twice_rule) : rule_(twice_rule) {}
  void mark(unsigned index, const Field& field) {
    if (has(index)) wrong_field({field.name, rule_}, "to find it only once");
    seen_ |= 1U << index;
  }
  bool has(unsigned index) const { return (seen_ & (1U << index)) != 0; }
  void require(unsigned index, const Field& field) const {
    if (field.required && !has(index)) wrong_field(field, "to find it");
  }

 private:
  const char* rule_;
  unsigned seen_ = 0;
};

// The index of `key` among the fields, or their count.
template <std::size_t N>
unsigned find_field(const std::array<Field, N>& fields, std::string_view key) {
  unsigned i = 0;
  while (i < N && !same_key(fields[i].name, key)) ++i;
  return i;
}

// Reads the fields of a map: `read(index, field)` reads the value of a field. Skips unknown keys.
template <std::size_t N, class Read>
void read_fields(wire::CborCursor& cursor, const FieldMap<N>& map, Read&& read) {
  if (cursor.read().kind != wire::CborKind::map) {
    throw Error(Code::malformed, map.rule, std::string(map.what) + " is not a map");
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

// Called before the entries of an index, with their number; 0 if the index does not state it.
using Expect = std::function<void(std::uint64_t count)>;

// Reads a map whose keys are names: `read(name)` reads each value. The name is valid until `read` moves the cursor.
template <class Read>
void read_names(wire::CborCursor& cursor, const Field& field, const char* key_rule, Read&& read,
                const Expect& expect = {}) {
  const wire::CborItem head = cursor.read();
  if (head.kind != wire::CborKind::map) wrong_field(field, "a map");
  if (expect) expect(head.indefinite ? 0 : head.number);
  while (cursor.more()) read(read_key(cursor, key_rule));
}

// `work` reads the next item of `outer` with the cursor `inner`. If it throws, skips the item and returns the error. If
// skipping fails too, the CBOR itself is broken: throws, because nothing after it can be trusted.
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
