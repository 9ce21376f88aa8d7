#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ztensor/byte_store.h"

namespace zt::io {

// A file that is written from front to back. It may be read back and cut meanwhile. One owner. All functions throw io.
class WritableFile : public ByteSink {
 public:
  // Whether the file grows in place: then place() must make room before each range of bytes.
  virtual bool grows() const { return false; }
  // Moves to the next multiple of `alignment`, a power of two, and returns this position; the gap reads as zeros. About
  // `bound` bytes will follow: a file that grows in place makes room for them first.
  virtual std::uint64_t place(std::uint64_t alignment, std::uint64_t bound) = 0;
  // Announces that `bytes` bytes will be written from `position` on, so that a file can reserve disk space. Only speed
  // depends on it.
  virtual void reserve(std::uint64_t position, std::uint64_t bytes) noexcept = 0;
  // Fills `out` with the bytes that were written at `offset`.
  virtual void read_back(std::uint64_t offset, std::span<std::byte> out) const = 0;
  // Drops all bytes from `position` on.
  virtual void rewind(std::uint64_t position) = 0;
};

}  // namespace zt::io
