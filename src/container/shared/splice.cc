#include "container/shared/splice.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <map>
#include <optional>

#include "base/endian.h"
#include "base/utf8.h"
#include "ztensor/error.h"

namespace zt::container {
namespace {

using wire::CborWriter;

// Deeper than any limit of our readers. The manifest was decoded before, so it cannot be deeper.
constexpr std::uint32_t kDepth = 1100;

bool less(std::span<const std::byte> a, std::span<const std::byte> b) {
  const int order = std::memcmp(a.data(), b.data(), std::min(a.size(), b.size()));
  return order != 0 ? order < 0 : a.size() < b.size();
}

// For an item whose head is its first byte: the bytes to pass, and by how many the items to come change. `bytes` is 0
// if the head is longer.
struct Step {
  std::uint8_t bytes = 0;
  std::int8_t items = 0;
};

constexpr std::array<Step, 256> kSteps = [] {
  std::array<Step, 256> steps;
  for (unsigned first = 0; first < steps.size(); ++first) {
    const unsigned kind = first >> 5, info = first & 31;
    if (info >= 24) continue;
    const bool string = kind == wire::major::kBytes || kind == wire::major::kText;
    unsigned members = 0;
    if (kind == wire::major::kArray) members = info;
    if (kind == wire::major::kMap) members = 2 * info;
    if (kind == wire::major::kTag) members = 1;
    steps[first] = {static_cast<std::uint8_t>(1 + (string ? info : 0)),
                    static_cast<std::int8_t>(static_cast<int>(members) - 1)};
  }
  return steps;
}();

// Passes a head of more than one byte. False if its length is not stated, or if the item does not end.
bool pass_long_head(std::span<const std::byte> bytes, std::size_t& at, std::uint64_t& items) {
  const auto first = std::to_integer<std::uint8_t>(bytes[at++]);
  const unsigned kind = first >> 5, info = first & 31;
  if (info > 27) return false;
  const std::size_t width = std::size_t{1} << (info - 24);
  if (bytes.size() - at < width) return false;
  std::uint64_t number = 0;
  switch (width) {
    case 1: number = std::to_integer<std::uint64_t>(bytes[at]); break;
    case 2: number = endian::load_be<std::uint16_t>(&bytes[at]); break;
    case 4: number = endian::load_be<std::uint32_t>(&bytes[at]); break;
    default: number = endian::load_be<std::uint64_t>(&bytes[at]);
  }
  at += width;
  const std::size_t left = bytes.size() - at;
  --items;
  if (kind == wire::major::kBytes || kind == wire::major::kText) {
    if (number > left) return false;
    at += static_cast<std::size_t>(number);
  } else if (kind == wire::major::kArray || kind == wire::major::kMap) {
    if (number > left) return false;  // an item takes at least a byte, so `items` stays small
    items += kind == wire::major::kMap ? 2 * number : number;
  } else if (kind == wire::major::kTag) {
    ++items;
  }
  return true;
}

// The length of the item at the start of `bytes`; empty if a container or string in it has no stated length. The index
// was decoded before, so this function only checks that the item ends.
std::optional<std::size_t> definite_length(std::span<const std::byte> bytes) {
  std::size_t at = 0;
  for (std::uint64_t items = 1; items > 0;) {
    if (at >= bytes.size()) return std::nullopt;
    const Step step = kSteps[std::to_integer<std::uint8_t>(bytes[at])];
    if (step.bytes != 0) {
      at += step.bytes;
      items += static_cast<std::uint64_t>(std::int64_t{step.items});
    } else if (!pass_long_head(bytes, at, items)) {
      return std::nullopt;
    }
  }
  if (at > bytes.size()) return std::nullopt;
  return at;
}

bool lies_in(std::span<const std::byte> part, std::span<const std::byte> whole) {
  const std::less_equal<const std::byte*> before;
  return before(whole.data(), part.data()) && before(part.data() + part.size(), whole.data() + whole.size());
}

std::vector<std::byte> copy_of(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

wire::CborItem read_map(wire::CborCursor& cursor) {
  wire::CborItem head = cursor.read();
  if (head.kind == wire::CborKind::map) return head;
  throw Error(Code::internal, "", "the index is not a map any more");
}

// Calls `visit(encoded key, encoded value)` for each member of an encoded map.
template <class F>
void for_each_member(std::span<const std::byte> map, F&& visit, Region known = {}) {
  wire::CborCursor cursor(map, {.depth = kDepth});
  read_map(cursor);
  while (cursor.more()) {
    const auto key = pass_over(cursor);
    visit(key, pass_over(cursor, known));
  }
}

MemberView member_of(std::span<const std::byte> encoded_key, std::span<const std::byte> value) {
  MemberView member{.key = {}, .joined = nullptr, .encoded_key = encoded_key, .value = value};
  wire::CborCursor reader(encoded_key);
  const wire::CborItem key = reader.read();
  if (key.kind != wire::CborKind::text && key.kind != wire::CborKind::bytes) return member;
  member.key = as_text(key.content);
  if (lies_in(key.content, encoded_key)) return member;
  member.joined = std::make_unique<const std::string>(member.key);
  member.key = *member.joined;
  return member;
}

}  // namespace

std::span<const std::byte> pass_over(wire::CborCursor& cursor, Region known) {
  const auto rest = cursor.rest();
  const bool is_known = known.length > 0 && known.offset == cursor.position() && known.length <= rest.size();
  const auto length = is_known ? std::optional(static_cast<std::size_t>(known.length)) : definite_length(rest);
  if (!length) return cursor.skip();
  cursor.pass(*length);
  return rest.first(*length);
}

std::vector<MemberView> members_of(std::span<const std::byte> map, Region known) {
  std::vector<MemberView> members;
  for_each_member(
      map,
      [&](std::span<const std::byte> key, std::span<const std::byte> value) {
        members.push_back(member_of(key, value));
      },
      known);
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

void MapBuilder::add(std::string_view key, std::span<const std::span<const std::byte>> pieces) {
  add(key, std::vector<std::byte>());
  members_.back().pieces = pieces;
}

void MapBuilder::sort() { std::ranges::sort(members_, less, &Member::key); }

std::uint64_t MapBuilder::encoded_size() const {
  CborWriter head;
  head.map(members_.size());
  std::uint64_t size = head.buffer().size();
  for (const Member& member : members_) {
    size += member.key.size() + member.value.size();
    for (const auto piece : member.pieces) size += piece.size();
  }
  return size;
}

void MapBuilder::write(wire::CborWriter& out) const {
  out.map(members_.size());
  for (const Member& member : members_) {
    out.raw(member.key);
    out.raw(member.value);
    for (const auto piece : member.pieces) out.raw(piece);
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

EditedObjects::EditedObjects(std::span<const std::byte> objects, const model::ManifestEdit& edit, EncodeObject encode,
                             Order order) {
  const bool sorted = order == Order::sorted;
  add_aliases(objects, edit, sorted);
  for (std::uint32_t row = 0; edit.added != nullptr && row < edit.added->size(); ++row) {
    CborWriter object;
    encode(*edit.added, edit.added->tensor(row), object);
    add(edit.added->text(edit.added->tensor(row).name), object.buffer());
  }
  if (sorted) std::ranges::sort(added_, less, &Added::key);
  pieces_.emplace_back();  // for the head of the map, which comes last
  keep_members(objects, edit, sorted);
  put_added(added_.size());
  CborWriter head;
  head.map(count_);
  head_ = std::move(head.buffer());
  pieces_.front() = head_;
}

void EditedObjects::keep_members(std::span<const std::byte> objects, const model::ManifestEdit& edit, bool sorted) {
  wire::CborCursor cursor(objects, {.depth = kDepth});
  const wire::CborItem head = read_map(cursor);
  const bool all_stay = edit.removed.empty() && edit.changed.empty();
  for (std::uint64_t seen = 0;; ++seen) {
    const bool none_between = !sorted || next_ == added_.size();
    if (all_stay && none_between && !head.indefinite) return keep(cursor.rest(), head.number - seen);
    if (!cursor.more()) return;
    const auto key = pass_over(cursor);
    const auto value = pass_over(cursor);
    while (sorted && next_ < added_.size() && less(added_[next_].key(), key)) put_added(next_ + 1);
    const std::span<const std::byte> whole(key.data(), key.size() + value.size());
    const MemberView member = all_stay ? MemberView{} : member_of(key, value);
    if (!all_stay && edit.removed.contains(member.key)) continue;
    const auto changed = all_stay ? edit.changed.end() : edit.changed.find(member.key);
    if (changed == edit.changed.end()) {
      keep(whole, 1);
      continue;
    }
    CborWriter encoded;
    encoded.raw(key);
    encoded.raw(with_attributes(value, changed->second, sorted));
    keep(changed_.emplace_back(std::move(encoded.buffer())), 1);
  }
}

void EditedObjects::add(std::string_view name, std::span<const std::byte> value) {
  CborWriter member;
  member.text(name);
  const std::size_t key_size = member.buffer().size();
  member.raw(value);
  added_.push_back({std::move(member.buffer()), key_size});
}

// Aliases take the values of other members. The other member may be removed: then the tensor gets a new name.
void EditedObjects::add_aliases(std::span<const std::byte> objects, const model::ManifestEdit& edit, bool sorted) {
  if (edit.aliases.empty()) return;
  std::map<std::string_view, std::span<const std::byte>> values;
  for (const auto& [name, existing] : edit.aliases) values.emplace(existing, std::span<const std::byte>());
  for_each_member(objects, [&](std::span<const std::byte> key, std::span<const std::byte> value) {
    const auto wanted = values.find(member_of(key, value).key);
    if (wanted != values.end()) wanted->second = value;
  });
  for (const auto& [name, existing] : edit.aliases) {
    const auto value = values.at(existing);
    if (value.empty())
      throw Error(Code::not_found, "", "the file has no tensor " + in_quotes(existing) + " for an alias");
    const auto changed = edit.changed.find(name);
    if (changed == edit.changed.end()) {
      add(name, value);
    } else {
      add(name, with_attributes(value, changed->second, sorted));
    }
  }
}

void EditedObjects::keep(std::span<const std::byte> stretch, std::uint64_t members) {
  count_ += members;
  std::span<const std::byte>& last = pieces_.back();
  if (last.data() + last.size() == stretch.data() && !last.empty()) {
    last = {last.data(), last.size() + stretch.size()};
  } else if (!stretch.empty()) {
    pieces_.push_back(stretch);
  }
}

void EditedObjects::put_added(std::size_t upto) {
  for (; next_ < upto; ++next_) {
    ++count_;
    pieces_.emplace_back(added_[next_].bytes);
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
