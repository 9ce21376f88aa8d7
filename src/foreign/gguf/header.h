#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/endian.h"
#include "ztensor/byte_store.h"
#include "ztensor/macros.h"

namespace zt::foreign::gguf {

// Reads the numbers and strings before the tensor data, front to back. How long this part is, only reading it tells, so
// it comes in pieces. Throws malformed past the end of the file, and limit past `limit`.
class HeaderCursor {
 public:
  HeaderCursor(const ByteStore& store ZT_LIFETIME_BOUND, std::uint64_t limit)
      : store_(store), size_(store.size()), limit_(limit) {}

  void set_big_endian() { big_ = true; }
  void set_narrow() { narrow_ = true; }  // version 1: lengths and dimensions have 32 bits
  bool is_narrow() const { return narrow_; }
  bool is_big_endian() const { return big_; }
  std::uint64_t position() const { return position_; }
  std::uint64_t left() const { return size_ - position_; }

  // The next bytes; valid until the next call. `what` is named in the error.
  std::span<const std::byte> take(std::uint64_t length, std::string_view what);
  template <class T>
  T number(std::string_view what) {
    const std::byte* at = take(sizeof(T), what).data();
    return load<T>(at);
  }
  // A count, length or dimension.
  std::uint64_t length(std::string_view what) {
    return narrow_ ? number<std::uint32_t>(what) : number<std::uint64_t>(what);
  }
  std::string_view string(std::string_view what);
  // A number at bytes that take() gave.
  template <class T>
  T load(const std::byte* at) const {
    return big_ ? endian::load_be<T>(at) : endian::load_le<T>(at);
  }

 private:
  void fetch(std::uint64_t length);
  const ByteStore& store_;
  std::uint64_t size_;
  std::uint64_t limit_;
  std::uint64_t position_ = 0;
  std::vector<std::byte> window_;  // bytes of the file up to fetched_
  std::size_t at_ = 0;             // where position_ is in the window
  std::uint64_t fetched_ = 0;
  bool big_ = false;
  bool narrow_ = false;
};

}  // namespace zt::foreign::gguf
