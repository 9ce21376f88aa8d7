#include "container/splice.h"

#include <algorithm>
#include <map>

#include "base/utf8.h"
#include "ztensor/error.h"

namespace zt::container {
namespace {

using wire::CborWriter;

// Deeper than any reader of ours lets an index be: what is put together here was decoded before.
constexpr std::uint32_t kDepth = 1100;

bool less(std::span<const std::byte> a, std::span<const std::byte> b) {
  return std::ranges::lexicographical_compare(a, b);
}

std::vector<std::byte> copy_of(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace

std::vector<MemberView> members_of(std::span<const std::byte> map) {
  wire::CborCursor cursor(map, {.depth = kDepth});
  const wire::CborItem head = cursor.read();
  if (head.kind != wire::CborKind::map) throw Error(Code::internal, "", "an index that was read is no map any more");
  std::vector<MemberView> members;
  while (cursor.more()) {
    MemberView& member = members.emplace_back();
    member.encoded_key = cursor.skip();
    member.value = cursor.skip();
    const wire::CborItem key = wire::CborCursor(member.encoded_key).read();
    if (key.kind == wire::CborKind::text || key.kind == wire::CborKind::bytes) member.key = as_text(key.content);
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

void MapBuilder::sort() {
  std::ranges::sort(members_, [](const Member& a, const Member& b) { return less(a.key, b.key); });
}

void MapBuilder::write(wire::CborWriter& out) const {
  out.map(members_.size());
  for (const Member& member : members_) {
    out.raw(member.key);
    out.raw(member.value);
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
    if (wanted != aliased.end()) wanted->second = object.value;  // also of one that goes: then it has a new name
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
      throw Error(Code::not_found, "", "no tensor named " + in_quotes(existing) + " stays in the file");
    out.add(name, copy_of(value));
  }
}

std::vector<std::byte> with_parts(
    std::span<const std::byte> manifest, std::string_view parts,
    const std::function<void(const std::vector<MemberView>& members, MapBuilder& out)>& part) {
  // A map with the members of `old`, those of the given key changed; every member where there is none.
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
