#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "wire/json.h"
#include "ztensor/info.h"

namespace zt {
namespace {

constexpr std::uint32_t kDepth = 64;  // the parser has checked this limit, so the walk below ends

Value value_of(wire::JsonView view) {
  if (const auto text = view.text()) return Value(*text);
  if (const auto number = view.unsigned_integer()) return Value(*number);
  if (const auto number = view.integer()) return Value(*number);
  if (const auto number = view.floating()) return Value(*number);
  if (const auto flag = view.boolean()) return Value(*flag);
  if (view.is_array()) {
    Value::Array items;
    for (wire::JsonItemsView item(view); item.next();) items.push_back(value_of(item.value()));
    return Value(std::move(items));
  }
  if (view.is_object()) {
    Value::Map members;
    for (wire::JsonMembersView member(view); member.next();) {
      members.emplace_back(Value(member.key()), value_of(member.value()));
    }
    return Value(std::move(members));
  }
  return {};
}

}  // namespace

Value json_parse(std::string_view text) {
  wire::JsonText copy(text.size());
  std::ranges::copy(as_bytes(text), copy.bytes().begin());
  const wire::JsonDocument document(std::move(copy), kDepth);
  wire::check_unique_keys(document.root());
  return value_of(document.root());
}

}  // namespace zt
