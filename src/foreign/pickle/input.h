#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/region.h"
#include "ztensor/byte_store.h"

namespace zt::foreign::pickle {

// A range of a store, read front to back through a window. What is skipped is never read.
class Input {
 public:
  Input(const ByteStore& store ZT_LIFETIME_BOUND, Region range);

  std::uint64_t position() const noexcept { return window_at_ + at_; }  // in the store
  std::uint64_t left() const noexcept { return end_ - position(); }
  std::uint8_t byte();
  // The next bytes, at most 2 MiB. They are valid until the next call. Throws malformed "pickle.stream.truncated" where
  // the range ends before.
  std::string_view take(std::uint64_t length);
  void skip(std::uint64_t length);
  // What a line without '\n' at the end of the range is.
  enum class Ending : std::uint8_t {
    needed,  // an error
    python,  // a line without its last byte, because Python's own reader in Python cuts off one byte unseen
  };
  // Goes on behind the next '\n'. Returns the range of the line without it, and the line itself in `text`, unless it is
  // longer than `most`: then `text` is empty.
  Region line(std::size_t most, std::string_view& text, Ending ending = Ending::needed);
  std::uint64_t little(unsigned bytes);  // an unsigned integer

 private:
  void need(std::uint64_t length) const;
  void refill(std::size_t length);
  std::string_view rest() const noexcept;

  const ByteStore& store_;
  std::uint64_t end_;
  std::uint64_t window_at_;  // where the window begins in the store
  std::vector<std::byte> window_;
  std::size_t at_ = 0;       // in the window
  std::size_t next_window_;  // how much to read next: more while nothing is skipped
  std::vector<char> line_;
};

}  // namespace zt::foreign::pickle
