#include "foreign/pickle/keys.h"

#include <cmath>
#include <map>
#include <utility>

#include "base/utf8.h"
#include "foreign/pickle/plain.h"

namespace zt::foreign::pickle {
namespace {

bool is_text(Kind kind) { return kind == Kind::text || kind == Kind::string8; }

// The integer that a floating number equals, if it is one of 64 bits.
std::optional<std::int64_t> whole(double number) {
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  if (!(number >= -kLimit && number < kLimit) || std::trunc(number) != number) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

std::optional<std::int64_t> whole(const Value& value) {
  if (const auto integer = value.integer()) return integer;
  if (const auto boolean = value.boolean()) return *boolean ? 1 : 0;
  if (const auto number = value.floating()) return whole(*number);
  return std::nullopt;
}

// The integer that a key equals in Python.
std::optional<std::int64_t> integer_of(const Records& records, Id key) {
  const Graph& graph = records.graph();
  switch (graph.kind(key)) {
    case Kind::integer: return graph.integer(key);
    case Kind::boolean: return graph.boolean(key) ? 1 : 0;
    case Kind::floating: return whole(graph.floating(key));
    case Kind::call: break;
    default: return std::nullopt;
  }
  const auto given = records.arguments(key);
  if (records.known(key) == Known::make_complex) {
    const bool is_real = given.size() == 2 && graph.kind(given[0]) == Kind::floating &&
                         graph.kind(given[1]) == Kind::floating && graph.floating(given[1]) == 0;
    return is_real ? whole(graph.floating(given[0])) : std::nullopt;
  }
  if (records.known(key) != Known::np_scalar) return std::nullopt;
  try {
    const auto value = scalar_value(records, key);
    return value ? whole(*value) : std::nullopt;
  } catch (const Error& error) {
    if (error.code() == Code::io) throw;
    return std::nullopt;  // a broken number is no name either
  }
}

// What equal keys have in common. Empty for a key that equals none that is a name.
std::optional<std::string> identity_of(const Records& records, Id key, const std::optional<std::string>& text) {
  if (const auto integer = integer_of(records, key)) return "i" + std::to_string(*integer);
  if (!text) return std::nullopt;
  return (records.graph().kind(key) == Kind::bytes ? "b" : "t") + *text;  // b"a" and "a" are two keys
}

}  // namespace

std::optional<std::string> key_text(const Records& records, Id key) {
  const Graph& graph = records.graph();
  const Kind kind = graph.kind(key);
  if (kind == Kind::integer) return std::to_string(graph.integer(key));
  if (!is_text(kind) && kind != Kind::bytes) return std::nullopt;
  try {
    if (is_text(kind)) return records.text(key);
    const auto bytes = records.bytes(key);
    if (!is_utf8(as_text(bytes))) return std::nullopt;
    return std::string(as_text(bytes));
  } catch (const Error& error) {
    if (error.code() == Code::io || error.code() == Code::no_memory) throw;
    return std::nullopt;  // too long, not UTF-8, or with a broken escape
  }
}

std::vector<Entry> entries_of(const Records& records, Id dict, Budget& budget, const Lost& lost) {
  const Graph& graph = records.graph();
  std::vector<Entry> entries;
  std::map<std::string, std::size_t, std::less<>> places;
  records.each_entry(dict, [&](Id key, Id value) {
    const Kind kind = graph.kind(key);
    const bool is_read = (is_text(kind) || kind == Kind::bytes) && graph.span(key).length <= kMostValue;
    budget.spend(64 + (is_read ? graph.span(key).length : 0));
    Entry entry{key, value, key_text(records, key)};
    if (auto identity = identity_of(records, key, entry.text)) {
      const auto [place, is_new] = places.try_emplace(std::move(*identity), entries.size());
      if (!is_new) {
        Entry& first = entries[place->second];
        lost(first, value);
        first.value = value;
        return;
      }
    }
    entries.push_back(std::move(entry));
  });
  return entries;
}

}  // namespace zt::foreign::pickle
