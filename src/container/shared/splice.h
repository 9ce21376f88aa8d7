#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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

// The members of an encoded map, without the tags around it. Throws internal if it is not a map.
std::vector<MemberView> members_of(std::span<const std::byte> map ZT_LIFETIME_BOUND);
const MemberView* find_member(const std::vector<MemberView>& members, std::string_view key);

// An encoded object with other attributes, or without attributes if `attributes` is empty. `sorted`: sort the keys by
// their encoded bytes; otherwise the new member goes to the end.
std::vector<std::byte> with_attributes(std::span<const std::byte> object, std::span<const std::byte> attributes,
                                       bool sorted);

// Builds an encoded map from its members.
class MapBuilder {
 public:
  void keep(const MemberView& member) { members_.push_back({member.encoded_key, member.value, {}, nullptr}); }
  void add(std::string_view key, std::vector<std::byte> value);
  void change(const MemberView& member, std::vector<std::byte> value);  // keeps the encoded key
  // Adds a map as the value. The map is borrowed.
  void add(std::string_view key, const MapBuilder& value ZT_LIFETIME_BOUND);
  void sort();  // by encoded keys; linear if few are out of order
  void write(wire::CborWriter& out) const;
  std::size_t size() const { return members_.size(); }

 private:
  struct Member {
    std::span<const std::byte> key;
    std::span<const std::byte> value;
    std::vector<std::byte> owned;  // the new key, if any, and the new value
    const MapBuilder* map;         // the value, instead of `value`
  };
  std::vector<Member> members_;
};

// Adds to `out` the objects of the old manifest that stay, with their new attributes if these change, and the aliases.
// Throws not_found for an alias of a tensor that does not exist.
void keep_objects(const std::vector<MemberView>& objects, const model::ManifestEdit& edit, bool sorted,
                  MapBuilder& out);

// The manifest with new parts: `part` makes the members of each new part from those of the old part. The parts of an
// object are under its key `parts`.
std::vector<std::byte> with_parts(
    std::span<const std::byte> manifest, std::string_view parts,
    const std::function<void(const std::vector<MemberView>& members, MapBuilder& out)>& part);

}  // namespace zt::container
