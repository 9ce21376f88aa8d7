#include "tools/attribute_order.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace zt::tools {
namespace {

constexpr std::string_view kOrder = "ztensor.attributes.order";

}  // namespace

bool is_own(const Value& key) { return key.text() != nullptr && key.text()->starts_with("ztensor."); }

Value::Map with_order(Value::Map attributes) {
  Value::Array order;
  Value::Map keys;  // each with a null
  for (const auto& [key, value] : attributes) {
    if (key == Value(kOrder) && value.array() != nullptr) return attributes;
    if (is_own(key)) continue;
    order.push_back(key);
    keys.emplace_back(key, Value());
  }
  std::erase_if(attributes, [](const auto& member) { return member.first == Value(kOrder); });  // not ours
  const Value unsorted(std::move(keys));
  if (unsorted.encode() != unsorted.encode_sorted()) attributes.emplace_back(Value(kOrder), Value(std::move(order)));
  return attributes;
}

Value::Map in_order(Value::Map attributes) {
  std::map<std::string, std::size_t, std::less<>> places;
  std::erase_if(attributes, [&](const auto& member) {
    if (member.first != Value(kOrder)) return false;
    const auto* order = member.second.array();
    for (std::size_t i = 0; order != nullptr && i < order->size(); ++i) {
      if (const std::string* key = (*order)[i].text()) places.emplace(*key, i);
    }
    return true;
  });
  if (places.empty()) return attributes;
  const auto place = [&](const auto& member) {  // keys that it does not name are last, as they were
    const auto found = member.first.text() == nullptr ? places.end() : places.find(*member.first.text());
    return found == places.end() ? places.size() : found->second;
  };
  std::ranges::stable_sort(attributes, {}, place);
  return attributes;
}

}  // namespace zt::tools
