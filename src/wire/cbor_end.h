#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace zt::wire {

// Finds where a CBOR item ends, in bytes that come piece by piece. It looks at each byte once at most, and checks only
// what it needs to find the end. The reader of the item finds all other faults.
class CborEnd {
 public:
  // The item may take `most` bytes, and have `depth` levels of nesting.
  CborEnd(std::uint64_t most, std::uint32_t depth) : most_(most), depth_(depth) {}

  enum class State : std::uint8_t { more, found, broken };
  // `bytes` are the bytes of the last call, with more behind them.
  State advance(std::span<const std::byte> bytes);
  std::uint64_t position() const { return position_; }  // after State::found: the end of the item

 private:
  void pass_short(std::span<const std::byte> bytes);
  bool take_head(std::uint8_t major, std::uint64_t number);
  bool take_break();
  bool open(std::uint64_t members);

  std::uint64_t most_;
  std::uint32_t depth_;
  std::uint64_t position_ = 0;
  std::vector<std::uint64_t> left_ = {1};  // members to come in each open container; the outermost holds the item
};

}  // namespace zt::wire
