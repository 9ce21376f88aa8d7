#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "base/region.h"
#include "ztensor/byte_store.h"
#include "ztensor/error.h"

namespace zt::tools {

// A range of a store, and perhaps other bytes after it, as a file of its own.
class PartStore final : public ByteStore {
 public:
  PartStore(std::shared_ptr<const ByteStore> whole, Region part, std::vector<std::byte> tail = {})
      : whole_(std::move(whole)), part_(part), tail_(std::move(tail)) {}

  std::uint64_t size() const override { return part_.length + tail_.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!checked::within(offset, out.size(), size()))
      throw Error(Code::io, "", "the read goes past the end of the file");
    const std::uint64_t left = offset < part_.length ? part_.length - offset : 0;
    const auto head = out.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, out.size())));
    if (!head.empty()) whole_->read_at(part_.offset + offset, head);
    const auto rest = out.subspan(head.size());
    if (rest.empty()) return;
    const std::uint64_t from = offset + head.size() - part_.length;
    std::copy_n(tail_.begin() + static_cast<std::ptrdiff_t>(from), rest.size(), rest.begin());
  }

 private:
  std::shared_ptr<const ByteStore> whole_;
  Region part_;
  std::vector<std::byte> tail_;
};

}  // namespace zt::tools
