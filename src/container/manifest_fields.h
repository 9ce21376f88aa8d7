#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/cbor.h"
#include "ztensor/error.h"
#include "ztensor/limits.h"

// How fields are read from the CBOR of the generations before 2, each of which names its own rules: what is wrong is
// thrown as malformed with the `rule` that is passed in.
namespace zt::container {

[[noreturn]] void wrong_field(const char* rule, std::string_view field, std::string_view expected);

// Text; byte strings of UTF-8 are taken for it, as the older readers do. Valid until the cursor moves.
std::string_view text_of(const wire::CborItem& item, const char* rule, std::string_view field);
std::uint64_t number_of(const wire::CborItem& item, const char* rule, std::string_view field);
bool is_absent(const wire::CborItem& item);  // null or undefined
// Whether an encoding is "zstd", and not "raw". Throws unsupported for another one.
bool is_zstd(std::string_view encoding, const char* rule);

// The next key of a map, as text; valid until the cursor moves.
std::string_view read_key(wire::CborCursor& cursor, const char* rule);
// Passes over a map and returns its encoded bytes without tags around it; nothing for null.
std::span<const std::byte> read_map_bytes(wire::CborCursor& cursor, const char* rule, std::string_view field);
// Appends the dimensions of a shape; `rank_rule` is for more than the limit of them.
void read_shape(wire::CborCursor& cursor, const Limits& limits, const char* rule, const char* rank_rule,
                std::vector<std::uint64_t>& shape);

// The lenient rules for a cursor that begins beneath `above` open containers.
wire::CborRules lenient_rules(const Limits& limits, std::uint32_t above);

// A field of a struct map may stand once.
class SeenOnce {
 public:
  explicit SeenOnce(const char* duplicate_rule) : rule_(duplicate_rule) {}
  void mark(unsigned field, std::string_view name) {
    if (has(field)) wrong_field(rule_, name, "it once");
    seen_ |= 1U << field;
  }
  bool has(unsigned field) const { return (seen_ & (1U << field)) != 0; }
  void require(unsigned field, const char* rule, std::string_view name) const {
    if (!has(field)) wrong_field(rule, name, "it to be there");
  }

 private:
  const char* rule_;
  unsigned seen_ = 0;
};

// The number of `key` among `fields`, or their count.
template <std::size_t N>
unsigned find_field(const std::array<std::string_view, N>& fields, std::string_view key) {
  unsigned i = 0;
  while (i < N && fields[i] != key) ++i;
  return i;
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
