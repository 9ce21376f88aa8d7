#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/region.h"
#include "ztensor/byte_store.h"

namespace zt {

// Reads a stretch of a store block by block into one buffer. `visit(offset, bytes)` says whether to go on. False where
// it said no.
template <class F>
bool for_each_block(const ByteStore& store, Region range, F&& visit) {
  constexpr std::uint64_t kBlock = std::uint64_t{4} << 20;
  std::vector<std::byte> block(static_cast<std::size_t>(std::min(kBlock, range.length)));
  for (std::uint64_t done = 0; done < range.length; done += block.size()) {
    const auto bytes = std::span(block).first(static_cast<std::size_t>(std::min(kBlock, range.length - done)));
    store.read_at(range.offset + done, bytes);
    if (!visit(range.offset + done, std::span<const std::byte>(bytes))) return false;
  }
  return true;
}

// The first bytes of a store: `most`, or all if it has fewer.
inline std::string head_of(const ByteStore& store, std::uint64_t most) {
  std::string head(static_cast<std::size_t>(std::min(most, store.size())), '\0');
  store.read_at(0, std::as_writable_bytes(std::span(head)));
  return head;
}

}  // namespace zt
