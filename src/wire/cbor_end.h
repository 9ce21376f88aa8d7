#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace zt::wire {

// Finds where a CBOR item ends, in bytes that come piece by piece: each is looked at once, and no more of them is
// checked than that takes. Who reads the item finds out what else is wrong with it.
class CborEnd {
 public:
  // The item may take `most` bytes, and nest `depth` items.
  CborEnd(std::uint64_t most, std::uint32_t depth) : most_(most), depth_(depth) {}

  enum class State : std::uint8_t { more, found, broken };
  // `bytes`: the same as before, and more behind them.
  State advance(std::span<const std::byte> bytes);
  std::uint64_t position() const { return position_; }  // when it is found: its end

 private:
  void pass_short(std::span<const std::byte> bytes);
  bool take_head(std::uint8_t major, std::uint64_t number);
  bool take_break();
  bool open(std::uint64_t members);

  std::uint64_t most_;
  std::uint32_t depth_;
  std::uint64_t position_ = 0;
  std::vector<std::uint64_t> left_ = {1};  // members that open containers still have, the outermost is the item itself
};

}  // namespace zt::wire
