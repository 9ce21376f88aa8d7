#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ztensor/byte_store.h"

namespace zt::io {

// A file that is being written from front to back, and may be read back and cut meanwhile. One owner. All throw io.
class WritableFile : public ByteSink {
 public:
  // Whether room has to be made by place() before every stretch of bytes: a file that grows in place.
  virtual bool grows() const { return false; }
  // Moves on to the next multiple of `alignment`, a power of two, and returns it; the gap reads as zeros. About `bound`
  // bytes will follow: a file that grows in place makes room for them first.
  virtual std::uint64_t place(std::uint64_t alignment, std::uint64_t bound) = 0;
  // The next `bytes` bytes are written from `position` on: a file takes room on the disk for them, if the system can.
  // Only speed depends on it.
  virtual void reserve(std::uint64_t position, std::uint64_t bytes) noexcept = 0;
  // What was written at `offset`, all of `out`.
  virtual void read_back(std::uint64_t offset, std::span<std::byte> out) const = 0;
  // Forgets what was written from `position` on.
  virtual void rewind(std::uint64_t position) = 0;
};

}  // namespace zt::io
