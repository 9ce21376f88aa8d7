#include "container/shared/splice.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>

#include "base/utf8.h"
#include "ztensor/error.h"

namespace zt::container {
namespace {

using wire::CborWriter;

// Deeper than any limit of our readers. The manifest was decoded before, so it cannot be deeper.
constexpr std::uint32_t kDepth = 1100;

bool less(std::span<const std::byte> a, std::span<const std::byte> b) {
  return std::ranges::lexicographical_compare(a, b);
}

// The length of the item at the start of `bytes`; empty if a container or string in it has no stated length. The index
// was decoded before, so this function only checks that the item ends.
std::optional<std::size_t> definite_length(std::span<const std::byte> bytes) {
  std::size_t at = 0;
  for (std::uint64_t items = 1; items > 0; --items) {
    if (at == bytes.size()) return std::nullopt;
    const auto first = std::to_integer<std::uint8_t>(bytes[at++]);
    const unsigned kind = first >> 5, info = first & 31;
    std::uint64_t number = info;
    if (info >= 24) {
      if (info > 27) return std::nullopt;
      const std::size_t width = std::size_t{1} << (info - 24);
      if (bytes.size() - at < width) return std::nullopt;
      number = 0;
      for (std::size_t i = 0; i < width; ++i) number = number << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
      at += width;
    }
    const std::size_t left = bytes.size() - at;
    if (kind == wire::major::kBytes || kind == wire::major::kText) {
      if (number > left) return std::nullopt;
      at += static_cast<std::size_t>(number);
    } else if (kind == wire::major::kArray || kind == wire::major::kMap) {
      if (number > left) return std::nullopt;  // an item takes at least a byte, so `items` stays small
      items += kind == wire::major::kMap ? 2 * number : number;
    } else if (kind == wire::major::kTag) {
      ++items;
    }
  }
  return at;
}

std::span<const std::byte> skip(wire::CborCursor& cursor) {
  const auto rest = cursor.rest();
  const auto length = definite_length(rest);
  if (!length) return cursor.skip();
  cursor.pass(*length);
  return rest.first(*length);
}

bool lies_in(std::span<const std::byte> part, std::span<const std::byte> whole) {
  const std::less_equal<const std::byte*> before;
  return before(whole.data(), part.data()) && before(part.data() + part.size(), whole.data() + whole.size());
}

std::vector<std::byte> copy_of(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace

std::vector<MemberView> members_of(std::span<const std::byte> map) {
  wire::CborCursor cursor(map, {.depth = kDepth});
  const wire::CborItem head = cursor.read();
  if (head.kind != wire::CborKind::map)
    throw Error(Code::internal, "", "an index that was read before is no longer a map");
  std::vector<MemberView> members;
  if (!head.indefinite) members.reserve(static_cast<std::size_t>(head.number));  // read() has checked the number
  while (cursor.more()) {
    MemberView& member = members.emplace_back();
    member.encoded_key = skip(cursor);
    member.value = skip(cursor);
    wire::CborCursor reader(member.encoded_key);
    const wire::CborItem key = reader.read();
    if (key.kind != wire::CborKind::text && key.kind != wire::CborKind::bytes) continue;
    member.key = as_text(key.content);
    if (lies_in(key.content, member.encoded_key)) continue;
    member.joined = std::make_unique<const std::string>(member.key);
    member.key = *member.joined;
  }
  return members;
}

const MemberView* find_member(const std::vector<MemberView>& members, std::string_view key) {
  const auto found = std::ranges::find(members, key, &MemberView::key);
  return found == members.end() ? nullptr : &*found;
}

void MapBuilder::add(std::string_view key, std::vector<std::byte> value) {
  wire::CborWriter encoded;
  encoded.text(key);
  const std::size_t key_size = encoded.buffer().size();
  encoded.raw(value);
  Member& member = members_.emplace_back();
  member.owned = std::move(encoded.buffer());
  member.key = std::span(member.owned).first(key_size);
  member.value = std::span(member.owned).subspan(key_size);
}

void MapBuilder::change(const MemberView& member, std::vector<std::byte> value) {
  Member& changed = members_.emplace_back();
  changed.owned = std::move(value);
  changed.key = member.encoded_key;
  changed.value = changed.owned;
}

void MapBuilder::add(std::string_view key, const MapBuilder& value) {
  add(key, std::vector<std::byte>());
  members_.back().map = &value;
}

void MapBuilder::sort() {
  const auto by_key = [](const Member& a, const Member& b) { return less(a.key, b.key); };
  // The kept members come first, and are mostly in order.
  const auto middle = std::is_sorted_until(members_.begin(), members_.end(), by_key);
  if (middle == members_.end()) return;
  std::sort(middle, members_.end(), by_key);
  std::inplace_merge(members_.begin(), middle, members_.end(), by_key);
}

void MapBuilder::write(wire::CborWriter& out) const {
  out.map(members_.size());
  for (const Member& member : members_) {
    out.raw(member.key);
    if (member.map != nullptr) {
      member.map->write(out);
    } else {
      out.raw(member.value);
    }
  }
}

std::vector<std::byte> with_attributes(std::span<const std::byte> object, std::span<const std::byte> attributes,
                                       bool sorted) {
  const std::vector<MemberView> members = members_of(object);
  MapBuilder changed;
  for (const MemberView& member : members) {
    if (member.key != "attributes") changed.keep(member);
  }
  if (!attributes.empty()) changed.add("attributes", copy_of(attributes));
  if (sorted) changed.sort();
  wire::CborWriter out;
  changed.write(out);
  return std::move(out.buffer());
}

void keep_objects(const std::vector<MemberView>& objects, const model::ManifestEdit& edit, bool sorted,
                  MapBuilder& out) {
  std::map<std::string_view, std::span<const std::byte>> aliased;
  for (const auto& [name, existing] : edit.aliases) aliased.emplace(existing, std::span<const std::byte>());
  for (const MemberView& object : objects) {
    const auto wanted = aliased.find(object.key);
    if (wanted != aliased.end()) wanted->second = object.value;  // also if the object is removed: it gets a new name
    if (edit.removed.contains(object.key)) continue;
    const auto changed = edit.changed.find(object.key);
    if (changed == edit.changed.end()) {
      out.keep(object);
    } else {
      out.add(object.key, with_attributes(object.value, changed->second, sorted));
    }
  }
  for (const auto& [name, existing] : edit.aliases) {
    const auto value = aliased.at(existing);
    if (value.empty())
      throw Error(Code::not_found, "", "the file has no tensor " + in_quotes(existing) + " for an alias");
    out.add(name, copy_of(value));
  }
}

std::vector<std::byte> with_parts(
    std::span<const std::byte> manifest, std::string_view parts,
    const std::function<void(const std::vector<MemberView>& members, MapBuilder& out)>& part) {
  // A copy of the map `old` in which the value at `key` is changed; all values if `key` is null.
  const auto rebuilt = [](std::span<const std::byte> old, const std::string_view* key, const auto& change) {
    MapBuilder out;
    const std::vector<MemberView> members = members_of(old);
    for (const MemberView& member : members) {
      if (key == nullptr || member.key == *key) {
        out.change(member, change(member.value));
      } else {
        out.keep(member);
      }
    }
    CborWriter encoded;
    out.write(encoded);
    return std::move(encoded.buffer());
  };
  const auto part_of = [&](std::span<const std::byte> old) {
    const std::vector<MemberView> members = members_of(old);
    MapBuilder out;
    part(members, out);
    CborWriter encoded;
    out.write(encoded);
    return std::move(encoded.buffer());
  };
  const auto parts_of = [&](std::span<const std::byte> old) { return rebuilt(old, nullptr, part_of); };
  const auto object_of = [&](std::span<const std::byte> old) { return rebuilt(old, &parts, parts_of); };
  const auto objects_of = [&](std::span<const std::byte> old) { return rebuilt(old, nullptr, object_of); };
  constexpr std::string_view kObjects = "objects";
  return rebuilt(manifest, &kObjects, objects_of);
}

}  // namespace zt::container
