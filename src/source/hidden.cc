#include "source/hidden.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

namespace zt::source {

bool is_hidden(const Value& key) { return key.text() != nullptr && *key.text() == kScipyKey; }

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
