#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ztensor/bytes.h"

namespace zt {

// Which memory a file is mapped into.
enum class Mapping {
  shared,         // read-only, and shared with other processes
  copy_on_write,  // private and writable: a write changes neither the file nor other mappings (torch, DLPack)
  shielded  // private, for users that must not write but might (NumPy views): a write neither ends the process nor
            // reaches the file. Stores without such memory give `shared`
};
inline constexpr std::size_t kMappings = 3;

// One read of several: `out` is filled with the bytes from `offset`.
struct ReadAt {
  std::uint64_t offset = 0;
  std::span<std::byte> out;
};

// Random access to immutable bytes: a file, a buffer, a Python file object. Derive from it to open anything that can be
// read at an offset. Any thread may call any member.
class ZT_API ByteStore {
 public:
  virtual ~ByteStore() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  // Fills `out` with the bytes from `offset`. Throws io when the store ends before that.
  virtual void read_at(std::uint64_t offset, std::span<std::byte> out) const = 0;
  // Carries out all reads, in any order or at the same time. Throws as read_at(). The default does one after another.
  virtual void read_many(std::span<const ReadAt> reads) const;
  // What one more request costs, as the number of bytes that could be read in its time. Reads with smaller gaps between
  // them become one request. The default, 64 KiB, suits files; for a store behind a network, a megabyte is better.
  [[nodiscard]] virtual std::uint64_t request_cost() const;
  // Borrows all bytes, without copying. The default throws unsupported: not every store lies in memory.
  [[nodiscard]] virtual Bytes map(Mapping mapping) const;
  // Says that these bytes are not needed for now: memory that maps them, and that nobody may have written to, can go
  // back to the system. They stay readable. The default does nothing.
  virtual void release(std::uint64_t offset, std::uint64_t length) const;
};

// Bytes in memory. map() borrows them as they are, for any Mapping; they must not be written to.
class ZT_API MemoryStore final : public ByteStore {
 public:
  explicit MemoryStore(Bytes bytes) : bytes_(std::move(bytes)) {}
  explicit MemoryStore(std::vector<std::byte> bytes);
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override;
  [[nodiscard]] std::uint64_t request_cost() const override { return 0; }
  [[nodiscard]] Bytes map(Mapping mapping) const override;

 private:
  Bytes bytes_;
};

// Receives the bytes of a file that a Writer makes elsewhere than on disk: in order, without gaps, from one thread at a
// time.
class ZT_API ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void write(std::span<const std::byte> bytes) = 0;
};

}  // namespace zt
