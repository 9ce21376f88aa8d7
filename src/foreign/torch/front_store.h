#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/region.h"
#include "ztensor/byte_store.h"

namespace zt::foreign::torch {

// A store whose bytes at the front of a range have been read already, at once: for many small reads there.
class FrontStore final : public ByteStore {
 public:
  FrontStore(const ByteStore& store ZT_LIFETIME_BOUND, Region range, std::uint64_t most)
      : store_(store), offset_(range.offset), front_(static_cast<std::size_t>(std::min(range.length, most))) {
    store_.read_at(offset_, front_);
  }
  std::uint64_t size() const override { return store_.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    const bool is_here = offset >= offset_ && offset - offset_ <= front_.size() &&
                         out.size() <= front_.size() - static_cast<std::size_t>(offset - offset_);
    if (!is_here) return store_.read_at(offset, out);
    std::copy_n(front_.begin() + static_cast<std::ptrdiff_t>(offset - offset_), out.size(), out.begin());
  }
  std::uint64_t request_cost() const override { return store_.request_cost(); }

 private:
  const ByteStore& store_;
  std::uint64_t offset_;
  std::vector<std::byte> front_;
};

}  // namespace zt::foreign::torch
