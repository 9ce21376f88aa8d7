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

// The schema of a 0.1 index: its own words, not yet held against the file (spec/zt-0.1.md §3).
namespace zt::container::zt01 {

inline constexpr std::string_view kMagic = "ZTEN0001";

struct Entry {
  std::string name, dtype, layout, digest;  // layout: "dense" unless it says otherwise
  std::uint64_t offset = 0;
  std::uint64_t length = 0;  // "size" in the file
  std::vector<std::uint64_t> shape;
  Codec codec = Codec::raw;
  bool big_endian = false;
  std::vector<std::byte> attributes;  // all other keys: one CBOR map, or nothing
  std::optional<Error> fault;         // why some of it could not be read
};

// Walks an index once, from front to back.
class IndexCursor {
 public:
  // Throws malformed "zt01.root", "cbor.*".
  IndexCursor(std::span<const std::byte> index ZT_LIFETIME_BOUND, const Limits& limits);

  // How many entries the index says that it has; 0 where it does not say.
  std::uint64_t count() const noexcept { return count_; }
  // Reads the next entry, if there is one. What is wrong with a field is the entry's fault; an entry that is no map or
  // has no name, which nothing could be listed by, is thrown, and so is broken CBOR.
  bool next(Entry& out);

 private:
  void read_entry(Entry& out);
  void read_field(unsigned index, Entry& out);
  void read_custom(std::string_view key);

  const Limits& limits_;
  // A value is read by a cursor of its own, so that a fault ends there and the fields after it, above all the name, are
  // still found.
  wire::CborCursor root_, value_;
  std::uint64_t count_ = 0;
  wire::CborWriter custom_;  // members of the entry's attributes
  std::uint64_t custom_count_ = 0;
};

}  // namespace zt::container::zt01
