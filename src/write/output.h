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

// Where the bytes of a file go: counts what passes, and gathers small writes. No write to the sink crosses a multiple
// of kBlock, and most end at one: the page cache then takes a file in folios as large as it has, which cost less than
// many small ones, and those of 2 MiB alone have lists of their own in Linux, so that others who fill memory do not
// slow them down. One owner.
class Output {
 public:
  static constexpr std::size_t kBlock = std::size_t{2} << 20;

  // A sink takes bytes from front to back; a file can also be read back and cut. `position`: where writing begins.
  explicit Output(std::unique_ptr<ByteSink> sink);
  explicit Output(std::unique_ptr<io::WritableFile> file, std::uint64_t position = 0);

  void write(std::span<const std::byte> bytes);
  // Moves on to a multiple of `alignment` and returns it; what is passed over reads as zeros. About `bound` bytes
  // follow.
  std::uint64_t place(std::uint64_t alignment, std::uint64_t bound);
  // `bytes` bytes are written next: the file takes room on the disk for them before they are.
  void expect(std::uint64_t bytes) noexcept;
  void flush();
  std::uint64_t position() const { return position_; }
  std::size_t room() const { return static_cast<std::size_t>(kBlock - position_ % kBlock); }  // to the block's end
  void drop() noexcept;  // nothing is written any more

  bool is_file() const { return file_ != nullptr; }
  // Of a file: what was written at `offset`; and to forget all from `position` on.
  void read_back(std::uint64_t offset, std::span<std::byte> out);
  void rewind(std::uint64_t position);

  // Hashes all that is written, gaps included, from now on; nothing can be rewound then.
  void hash_all() { hash_.emplace(); }
  std::uint64_t hash() const { return hash_->value(); }

 private:
  void take_room() noexcept;
  void pad(std::uint64_t length);

  std::unique_ptr<ByteSink> sink_;    // the file, too
  io::WritableFile* file_ = nullptr;  // null: a plain sink
  std::vector<std::byte> buffer_;
  std::uint64_t position_ = 0;
  std::uint64_t expected_ = 0;  // where the bytes that are expected end; 0: none are
  std::uint64_t room_end_ = 0;  // there is room up to here
  std::optional<hash::Xxh3> hash_;
};

}  // namespace zt::write
