#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/region.h"
#include "model/encoder.h"
#include "wire/cbor.h"
#include "ztensor/macros.h"

// Makes the manifest of a growing file from pieces of the old manifest. So nothing in it is lost, even if this build
// does not understand it. Generations 1.2 and 2 share this code.
namespace zt::container {

// One member of a map: its key as text, and its encoded key and value.
struct MemberView {
  std::string_view key;                       // "" if the key is not a text
  std::unique_ptr<const std::string> joined;  // owns the key if it came in chunks
  std::span<const std::byte> encoded_key;
  std::span<const std::byte> value;
};

// Passes an item of an index that was decoded before. So it only checks that the item ends, and is much faster than
// CborCursor::skip(). Throws as skip() does. `known`: the place of a long item in the input of the cursor, if it is
// known.
std::span<const std::byte> pass_over(wire::CborCursor& cursor, Region known = {});

// The members of an encoded map, without the tags around it. Throws malformed if it is not a map. `known`: the place of
// a long value in `map`, whose end need not be looked for; empty: none.
std::vector<MemberView> members_of(std::span<const std::byte> map ZT_LIFETIME_BOUND, Region known = {});
const MemberView* find_member(const std::vector<MemberView>& members, std::string_view key);

// An encoded object with other attributes, or without attributes if `attributes` is empty. `sorted`: sort the keys by
// their encoded bytes; otherwise the new member goes to the end.
std::vector<std::byte> with_attributes(std::span<const std::byte> object, std::span<const std::byte> attributes,
                                       bool sorted);

// Builds an encoded map from its members.
class MapBuilder {
 public:
  void keep(const MemberView& member) { members_.push_back({member.encoded_key, member.value, {}, {}}); }
  void add(std::string_view key, std::vector<std::byte> value);
  void change(const MemberView& member, std::vector<std::byte> value);  // keeps the encoded key
  // Adds a value in pieces. Borrows the pieces.
  void add(std::string_view key, std::span<const std::span<const std::byte>> pieces ZT_LIFETIME_BOUND);
  void sort();  // by encoded key
  std::uint64_t encoded_size() const;
  void write(wire::CborWriter& out) const;

 private:
  struct Member {
    std::span<const std::byte> key;
    std::span<const std::byte> value;
    std::vector<std::byte> owned;                        // if both are new: the key, then the value
    std::span<const std::span<const std::byte>> pieces;  // replace `value`
  };
  std::vector<Member> members_;
};

// The map of objects after an edit: the objects that stay, objects with changed attributes, aliases, and new objects.
// Unchanged neighbours are copied together as one piece, not one by one: an append changes few of many objects.
class EditedObjects {
 public:
  enum class Order { as_added, sorted };  // sorted: by encoded keys, as in the old map; as_added: new members come last
  using EncodeObject = void (*)(const model::Catalog&, const model::TensorRow&, wire::CborWriter&);
  // `objects`: the old encoded map; borrowed. Throws not_found for an alias of a missing tensor.
  EditedObjects(std::span<const std::byte> objects ZT_LIFETIME_BOUND, const model::ManifestEdit& edit,
                EncodeObject encode, Order order);

  // The encoded map; valid while this object and the old map live.
  std::span<const std::span<const std::byte>> pieces() const ZT_LIFETIME_BOUND { return pieces_; }

 private:
  struct Added {
    std::vector<std::byte> bytes;  // key and value
    std::size_t key_size;
    std::span<const std::byte> key() const { return std::span(bytes).first(key_size); }
  };
  void add(std::string_view name, std::span<const std::byte> value);
  void add_aliases(std::span<const std::byte> objects, const model::ManifestEdit& edit, bool sorted);
  void keep_members(std::span<const std::byte> objects, const model::ManifestEdit& edit, bool sorted);
  void keep(std::span<const std::byte> stretch, std::uint64_t members);
  void put_added(std::size_t upto);

  std::deque<Added> added_;                     // aliases and new objects
  std::size_t next_ = 0;                        // the next of added_ to be put
  std::deque<std::vector<std::byte>> changed_;  // members with changed attributes
  std::vector<std::byte> head_;                 // of the map
  std::vector<std::span<const std::byte>> pieces_;
  std::uint64_t count_ = 0;
};

// The manifest with new parts: `part` makes the members of each new part from those of the old part. The parts of an
// object are under its key `parts`.
std::vector<std::byte> with_parts(
    std::span<const std::byte> manifest, std::string_view parts,
    const std::function<void(const std::vector<MemberView>& members, MapBuilder& out)>& part);

}  // namespace zt::container
