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

// Manifests of files that grow are put together from pieces of the old one, so that nothing in them is lost, whether
// this build understands it or not. What generations 1.2 and 2 share of that.
namespace zt::container {

// One member of a map: its key as text, and both as they are encoded.
struct MemberView {
  std::string_view key;                       // "" when the key is no text
  std::unique_ptr<const std::string> joined;  // the key, where it came in chunks
  std::span<const std::byte> encoded_key;
  std::span<const std::byte> value;
};

// The members of an encoded map, tags around it passed over. Throws malformed when it is no map.
std::vector<MemberView> members_of(std::span<const std::byte> map ZT_LIFETIME_BOUND);
const MemberView* find_member(const std::vector<MemberView>& members, std::string_view key);

// An encoded object with other attributes, or with none when `attributes` is empty. `sorted`: keys in the order of
// their encoded bytes; otherwise the new member goes to the end.
std::vector<std::byte> with_attributes(std::span<const std::byte> object, std::span<const std::byte> attributes,
                                       bool sorted);

// Members of a map that is being put together.
class MapBuilder {
 public:
  void keep(const MemberView& member) { members_.push_back({member.encoded_key, member.value, {}, nullptr}); }
  void add(std::string_view key, std::vector<std::byte> value);
  void change(const MemberView& member, std::vector<std::byte> value);  // its key as it is encoded
  // A map as the value; it is borrowed, and has no such member itself.
  void add(std::string_view key, const MapBuilder& value ZT_LIFETIME_BOUND);
  void sort();  // by encoded keys; linear where few are out of order
  void write(wire::CborWriter& out) const;
  std::size_t size() const { return members_.size(); }

 private:
  struct Member {
    std::span<const std::byte> key;
    std::span<const std::byte> value;
    std::vector<std::byte> owned;  // where both are new: the key, then the value
    const MapBuilder* map;         // the value, instead of `value`
  };
  std::vector<Member> members_;
};

// The objects of the old manifest that stay, changed ones with their new attributes, and aliases. Throws not_found for
// an alias of what is not there.
void keep_objects(const std::vector<MemberView>& objects, const model::ManifestEdit& edit, bool sorted,
                  MapBuilder& out);

// The manifest with every part put together anew by `part`: from the members that it has, into those that it gets. The
// parts of an object are under its key `parts`.
std::vector<std::byte> with_parts(
    std::span<const std::byte> manifest, std::string_view parts,
    const std::function<void(const std::vector<MemberView>& members, MapBuilder& out)>& part);

}  // namespace zt::container
