#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ztensor/bytes.h"

namespace zt {

enum class Mapping {
  shared,         // read-only: what C++ Bytes borrow
  copy_on_write,  // private and writable: what may be written to (torch, DLPack)
  shielded        // private too, for what must not be written to (NumPy views): a write that comes all the same ends
                  // neither the process nor in the file. As `shared` where a store has no such memory
};
inline constexpr std::size_t kMappings = 3;

// One read of several: `out` is filled with the bytes from `offset`.
struct ReadAt {
  std::uint64_t offset = 0;
  std::span<std::byte> out;
};

// Random access to immutable bytes: a file, a buffer, a Python file object. Derive from it to open anything that
// can be read at an offset. All members may be called from any thread.
class ZT_API ByteStore {
 public:
  virtual ~ByteStore() = default;
  virtual std::uint64_t size() const = 0;
  // Fills `out` with the bytes from `offset`. Throws io when they are not all there.
  virtual void read_at(std::uint64_t offset, std::span<std::byte> out) const = 0;
  // Carries out all reads, in any order or side by side. Throws as read_at. The default does one after another.
  virtual void read_many(std::span<const ReadAt> reads) const;
  // How many bytes could be read in the time that one more request takes. Reads with smaller gaps between them are made
  // one request. The default, 64 KiB, suits files; a store behind a network is better served by a megabyte.
  virtual std::uint64_t request_cost() const;
  // All bytes, without copying. The default throws unsupported: not every store lies in memory.
  virtual Bytes map(Mapping mapping) const;
};

// Bytes in memory. Maps them as they are, not to be written to.
class ZT_API MemoryStore final : public ByteStore {
 public:
  explicit MemoryStore(Bytes bytes) : bytes_(std::move(bytes)) {}
  explicit MemoryStore(std::vector<std::byte> bytes);
  std::uint64_t size() const override { return bytes_.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override;
  std::uint64_t request_cost() const override { return 0; }
  Bytes map(Mapping mapping) const override;

 private:
  Bytes bytes_;
};

// Where a Writer puts a file that is not on disk. Called by one thread, in order, without gaps.
class ZT_API ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void write(std::span<const std::byte> bytes) = 0;
};

}  // namespace zt
