#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wire/cbor.h"
#include "ztensor/encoding.h"
#include "ztensor/error.h"
#include "ztensor/limits.h"
#include "ztensor/macros.h"

// The schema of a 0.1 index, in the words of the file and not yet checked against it (spec/zt-0.1.md §3).
namespace zt::container::zt01 {

inline constexpr std::string_view kMagic = "ZTEN0001";

struct Entry {
  std::string name, dtype, layout, digest;  // layout: "dense" unless the entry has another
  std::uint64_t offset = 0;
  std::uint64_t length = 0;  // "size" in the file
  std::vector<std::uint64_t> shape;
  Codec codec = Codec::raw;
  bool big_endian = false;
  std::vector<std::byte> attributes;  // all other keys: one CBOR map, or nothing
  std::optional<Error> fault;         // the first fault in a field
};

// Walks an index once, from front to back.
class IndexCursor {
 public:
  // Throws malformed "zt01.root", "cbor.*".
  IndexCursor(std::span<const std::byte> index ZT_LIFETIME_BOUND, const Limits& limits);

  // The number of entries that the index states, or 0.
  std::uint64_t count() const noexcept { return count_; }
  // Reads the next entry, if there is one. A broken field is the entry's fault. Throws for an entry that is not a map
  // or has no name, because it cannot be listed, and for broken CBOR.
  bool next(Entry& out);

 private:
  void read_entry(Entry& out);
  void read_field(unsigned index, Entry& out);
  void read_custom(std::string_view key);

  const Limits& limits_;
  // A second cursor reads values: after a fault in a value, the first cursor still finds the other fields, above all
  // the name.
  wire::CborCursor root_, value_;
  std::uint64_t count_ = 0;
  wire::CborWriter custom_;  // the members of the attributes of the entry
  std::uint64_t custom_count_ = 0;
};

}  // namespace zt::container::zt01
