#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "hash/xxh3.h"
#include "io/writable.h"
#include "ztensor/byte_store.h"

namespace zt::write {

// Where the bytes of a file go. Counts the bytes, and gathers small writes. No write to the sink crosses a multiple of
// kBlock, and most writes end at one: the page cache then uses large folios, which cost less than many small ones. A
// block stays in the cache of a core between its write and its CRC. One owner.
class Output {
 public:
  static constexpr std::size_t kBlock = std::size_t{1} << 20;

  // A sink takes bytes from front to back. A file can also be read back and cut. `position`: where writing begins.
  explicit Output(std::unique_ptr<ByteSink> sink);
  explicit Output(std::unique_ptr<io::WritableFile> file, std::uint64_t position = 0);

  void write(std::span<const std::byte> bytes);
  // Moves on to a multiple of `alignment` and returns it; the gap reads as zeros. About `bound` bytes will follow.
  std::uint64_t place(std::uint64_t alignment, std::uint64_t bound);
  // Announces that `bytes` bytes are written next. A file reserves room on the disk for them.
  void expect(std::uint64_t bytes) noexcept;
  // Writes zeros up to a multiple of `alignment`.
  void pad_to(std::uint64_t alignment);
  void flush();
  // Gives back the memory that gathers small writes. Call it after flush().
  void free_buffer() noexcept { buffer_ = std::vector<std::byte>(); }
  std::uint64_t position() const { return position_; }
  std::size_t room() const { return static_cast<std::size_t>(kBlock - position_ % kBlock); }  // to the block's end
  // Ends all writing.
  void drop() noexcept;

  bool is_file() const { return file_ != nullptr; }
  bool is_growing_file() const { return file_ != nullptr && file_->grows(); }
  // Only for files: reads bytes that were written at `offset`; cuts the file at `position`.
  void read_back(std::uint64_t offset, std::span<std::byte> out);
  void rewind(std::uint64_t position);

  // From now on hashes all bytes that are written, gaps included. Do not rewind afterwards.
  void hash_all() { hash_.emplace(); }
  std::uint64_t hash() const { return hash_->value(); }

 private:
  void take_room() noexcept;
  void pad(std::uint64_t length);

  std::unique_ptr<ByteSink> sink_;    // also owns the file
  io::WritableFile* file_ = nullptr;  // null for a plain sink
  std::vector<std::byte> buffer_;
  std::uint64_t position_ = 0;
  std::uint64_t expected_ = 0;  // the end of the expected bytes; 0: none are expected
  std::uint64_t room_end_ = 0;  // the end of the reserved room
  std::optional<hash::Xxh3> hash_;
};

}  // namespace zt::write
