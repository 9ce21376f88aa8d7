#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "foreign/zip/directory.h"
#include "ztensor/byte_store.h"

namespace zt::foreign::numpy {

// The first bytes of members of an archive. Those of many members are read by few requests.
class Fronts {
 public:
  explicit Fronts(const ByteStore& store) : store_(store) {}

  // Reads the first stored bytes of these members, for calls of first().
  void load(std::span<const zip::Member* const> members);
  // The first `length` decoded bytes of the n-th member, or all if it has fewer. Decodes no more than is needed. Throws
  // malformed if its bytes end before that.
  std::vector<std::byte> first(std::size_t n, std::uint64_t length) const;

 private:
  const ByteStore& store_;
  std::vector<const zip::Member*> members_;
  std::vector<std::byte> buffer_;
  std::vector<std::size_t> places_;  // where those of each member begin in the buffer
};

// The first bytes of one member.
std::vector<std::byte> first_bytes(const ByteStore& store, const zip::Member& member, std::uint64_t length);

}  // namespace zt::foreign::numpy
