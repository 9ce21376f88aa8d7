#include "source/hidden.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "base/utf8.h"

namespace zt::source {

bool is_hidden(const Value& key) {
  return key.text() != nullptr && (*key.text() == kScipyKey || *key.text() == kDeltaKey);
}

bool names_base(const Value& key) { return key.text() != nullptr && key.text()->starts_with(kBaseKey); }

Value without_bases(Value attributes) {
  const auto is_base = [](const auto& member) { return names_base(member.first); };
  if (attributes.members() == nullptr || std::ranges::none_of(*attributes.members(), is_base)) return attributes;
  Value::Map kept;
  std::ranges::copy_if(*attributes.members(), std::back_inserter(kept), std::not_fn(is_base));
  return kept.empty() ? Value() : Value(std::move(kept));
}

Value with_bases_of(const Value& from, const Value& attributes) {
  if (from.members() == nullptr || (!attributes.is_null() && !attributes.is_map())) return attributes;
  Value::Map all = attributes.is_map() ? *attributes.members() : Value::Map{};
  const std::size_t given = all.size();
  for (const auto& [key, value] : *from.members()) {
    const auto same = [&key = key](const auto& other) { return other.first == key; };
    if (names_base(key) && std::ranges::none_of(all, same)) all.emplace_back(key, value);
  }
  return all.size() == given ? attributes : Value(std::move(all));
}

std::vector<std::byte> without_delta(std::span<const std::byte> attributes) {
  if (as_text(attributes).find(kDeltaKey) == std::string_view::npos) return {attributes.begin(), attributes.end()};
  const Value all = Value::parse(attributes, kAnyDepth);
  if (all.members() == nullptr) return {attributes.begin(), attributes.end()};
  Value::Map kept;
  std::ranges::copy_if(*all.members(), std::back_inserter(kept), [](const auto& member) {
    return member.first.text() == nullptr || *member.first.text() != kDeltaKey;
  });
  if (kept.empty()) return {};
  return Value(std::move(kept)).encode();
}

Value without_hidden(const Value& attributes) {
  const auto* members = attributes.members();
  const auto hidden = [](const auto& member) { return is_hidden(member.first); };
  if (members == nullptr || std::ranges::none_of(*members, hidden)) return attributes;
  Value::Map kept;
  std::ranges::copy_if(*members, std::back_inserter(kept), std::not_fn(hidden));
  return kept.empty() ? Value() : Value(std::move(kept));
}

Value with_hidden_of(const Value& from, const Value& attributes) {
  const auto* theirs = from.members();
  if (theirs == nullptr || (!attributes.is_null() && !attributes.is_map())) return attributes;
  Value::Map all = attributes.is_map() ? *attributes.members() : Value::Map{};
  const std::size_t given = all.size();
  for (const auto& member : *theirs) {
    const auto same = [&](const auto& other) { return other.first == member.first; };
    if (is_hidden(member.first) && std::ranges::none_of(all, same)) all.push_back(member);
  }
  return all.size() == given ? attributes : Value(std::move(all));
}

}  // namespace zt::source
