#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/checked.h"
#include "ztensor/byte_store.h"
#include "ztensor/error.h"

namespace zt::tools {

// The first bytes of a store, and perhaps other bytes after them, as a file of its own.
class PrefixStore final : public ByteStore {
 public:
  PrefixStore(std::shared_ptr<const ByteStore> whole, std::uint64_t length, std::vector<std::byte> tail = {})
      : whole_(std::move(whole)), length_(length), tail_(std::move(tail)) {}

  std::uint64_t size() const override { return length_ + tail_.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!checked::within(offset, out.size(), size()))
      throw Error(Code::io, "", "the read goes past the end of the file");
    const std::uint64_t left = offset < length_ ? length_ - offset : 0;
    const auto head = out.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, out.size())));
    if (!head.empty()) whole_->read_at(offset, head);
    const auto rest = out.subspan(head.size());
    if (rest.empty()) return;
    const std::uint64_t from = offset + head.size() - length_;
    std::copy_n(tail_.begin() + static_cast<std::ptrdiff_t>(from), rest.size(), rest.begin());
  }

 private:
  std::shared_ptr<const ByteStore> whole_;
  std::uint64_t length_;
  std::vector<std::byte> tail_;
};

}  // namespace zt::tools
