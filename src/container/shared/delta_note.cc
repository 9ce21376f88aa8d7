#include "container/shared/delta_note.h"

#include <algorithm>

#include "base/utf8.h"
#include "container/shared/splice.h"
#include "wire/cbor.h"
#include "ztensor/error.h"
#include "ztensor/value.h"

namespace zt::container {
namespace {

constexpr std::size_t kMostLabel = 64;  // letters

[[noreturn]] void refuse_note(const std::string& why) {
  throw Error(Code::malformed, "delta.base", "the attribute zt.delta " + why);
}

// The member of a map; null if there is none.
const Value* member(const Value& map, std::string_view key) {
  const Value* found = nullptr;
  for (const auto& [name, value] : *map.members()) {
    if (name.text() == nullptr || *name.text() != key) continue;
    if (found != nullptr) refuse_note("has " + in_quotes(key) + " twice");
    found = &value;
  }
  return found;
}

std::string text_member(const Value& map, std::string_view key) {
  const Value* value = member(map, key);
  if (value == nullptr) return {};
  if (value->text() == nullptr || value->text()->empty()) refuse_note("needs a text for " + in_quotes(key));
  return *value->text();
}

bool is_label(std::string_view label) {
  return label.size() <= kMostLabel && std::ranges::all_of(label, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

}  // namespace

std::optional<DeltaNote> delta_note(std::span<const std::byte> attributes) {
  if (as_text(attributes).find(kDeltaNote) == std::string_view::npos) return std::nullopt;
  std::optional<Value> found;
  for (const MemberView& attribute : members_of(attributes)) {
    if (attribute.key != kDeltaNote || wire::CborCursor(attribute.encoded_key).read().kind != wire::CborKind::text) {
      continue;
    }
    if (found) refuse_note("is there twice");
    found = Value::parse(attribute.value);
  }
  if (!found) return std::nullopt;
  if (!found->is_map()) refuse_note("must be a map");
  DeltaNote note{.dtype = text_member(*found, "dtype"), .digest = text_member(*found, "digest")};
  if (const Value* hidden = member(*found, "hidden")) {
    if (hidden->boolean() == nullptr) refuse_note("needs true or false for 'hidden'");
    note.is_hidden = *hidden->boolean();
  }
  if (const Value* base = member(*found, "base")) {
    if (!base->is_map()) refuse_note("needs a map for 'base'");
    note.base = model::BaseRow{.label = text_member(*base, "file"), .name = text_member(*base, "name")};
    static_cast<void>(text_member(*base, "digest"));  // for users
    if (!is_label(note.base->label)) refuse_note("needs 1 to 64 of A-Z, a-z, 0-9, - and _ for 'file'");
  }
  return note;
}

}  // namespace zt::container
