#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/region.h"
#include "ztensor/byte_store.h"

namespace zt::read {

// One request to a store, and its reads: from `first` up to `last`.
struct Request {
  std::size_t first;
  std::size_t last;
  Region bytes;
};

// Combines reads into requests: reads that are closer together than `cost` bytes share one, while it stays small.
// `reads` come by ascending offset and may overlap.
std::vector<Request> plan_requests(std::span<const ReadAt> reads, std::uint64_t cost);

// Reads many ranges of a store with few requests. Only this class decides what to ask of a store at once.
class Fetcher {
 public:
  explicit Fetcher(const ByteStore& store) : store_(&store) {}
  // `reads` come by ascending offset. Throws io. Any thread.
  void fetch(std::span<const ReadAt> reads) const;
  void fetch(Region range, std::span<std::byte> out) const { store_->read_at(range.offset, out); }

 private:
  const ByteStore* store_;
};

}  // namespace zt::read
