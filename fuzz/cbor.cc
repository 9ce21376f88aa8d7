// CBOR. Laws: the cursor and Value throw only zt::Error; read() and skip() agree; a parsed value encodes to bytes that
// parse to the same value; each strict item is a lenient item too, and encode() gives its bytes again.

#include "wire/cbor.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <vector>

#include "ztensor/error.h"
#include "ztensor/value.h"

namespace {

using zt::wire::CborCursor;
using zt::wire::CborItem;
using zt::wire::CborKind;
using zt::wire::CborRules;
using Input = std::span<const std::byte>;

void require(bool law) {
  if (!law) std::abort();
}

// The result of `work`, or empty if it throws Error.
template <class F>
auto attempt(F&& work) -> std::optional<decltype(work())> {
  try {
    return work();
  } catch (const zt::Error& error) {
    require(error.code() == zt::Code::malformed || error.code() == zt::Code::limit);
    return std::nullopt;
  }
}

bool is_container(CborKind kind) { return kind == CborKind::array || kind == CborKind::map || kind == CborKind::tag; }

// Reads the first item of `input` to its last member, and returns its length.
std::size_t read_all(Input input, CborRules rules) {
  CborCursor cursor(input, rules);
  struct Level {
    bool map;
    bool value_next;
  };
  std::vector<Level> levels;
  do {
    if (!levels.empty() && levels.back().map) levels.back().value_next = !levels.back().value_next;
    const CborItem item = cursor.read();
    if (is_container(item.kind)) levels.push_back({item.kind == CborKind::map, false});
    while (!levels.empty() && !levels.back().value_next && !cursor.more()) levels.pop_back();
  } while (!levels.empty());
  return cursor.position();
}

std::size_t skip_all(Input input, CborRules rules) {
  CborCursor cursor(input, rules);
  require(cursor.skip().size() == cursor.position());
  return cursor.position();
}

std::size_t close_all(Input input, CborRules rules) {
  CborCursor cursor(input, rules);
  if (is_container(cursor.read().kind)) cursor.close();
  return cursor.position();
}

void check_walks(Input input) {
  const CborRules lenient, keeping{.depth = 1u << 31, .keep_tags = true}, strict{.strict = true, .depth = 33};
  const auto length = attempt([&] { return skip_all(input, lenient); });
  const auto read = attempt([&] { return read_all(input, lenient); });
  require(!read || read == length);  // not the reverse: skip() accepts bignums that read() refuses
  require(!length || attempt([&] { return read_all(input, keeping); }) == length);
  if (read) require(attempt([&] { return close_all(input, lenient); }) == length);
  const auto strict_length = attempt([&] { return skip_all(input, strict); });
  require(strict_length == attempt([&] { return read_all(input, strict); }));
  if (!strict_length) return;
  require(strict_length == read);
  const auto item = input.first(*strict_length);
  const auto value = attempt([&] { return zt::Value::parse(item); });
  require(value.has_value());
  const auto encoded = value->encode();
  require(std::equal(encoded.begin(), encoded.end(), item.begin(), item.end()));
}

void check_value(Input input) {
  const auto value = attempt([&] { return zt::Value::parse(input); });
  if (!value) return;
  require(attempt([&] { return skip_all(input, {}); }) == input.size());
  const auto encoded = value->encode();
  const auto again = attempt([&] { return zt::Value::parse(encoded); });
  require(again == value);
  require(again->encode() == encoded);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = std::as_bytes(std::span(data, size));
  check_walks(input);
  check_value(input);
  return 0;
}
