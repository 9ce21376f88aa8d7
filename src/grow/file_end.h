#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "grow/growth.h"
#include "io/locked_file.h"
#include "ztensor/byte_store.h"
#include "ztensor/error.h"

namespace zt::grow {

inline constexpr std::uint64_t kPage = 4096;

template <std::size_t Size>
std::array<std::byte, Size> read_array(const ByteStore& store, std::uint64_t offset) {
  std::array<std::byte, Size> bytes;
  store.read_at(offset, bytes);
  return bytes;
}

// Where and how a file ends while it grows, so that each of its states is a whole file (docs/design.md, growing a
// file). Every write here is ordered against the others, and each one that extends the file or commits lies in one
// page.
class FileEnd {
 public:
  virtual ~FileEnd() = default;

  // What lies below stays as it is. The end of the file, or where an append began that was killed.
  std::uint64_t base() const { return base_; }
  // Whether bytes from `base` to `end` are kept free for data and the end lies behind them.
  virtual bool has_room(std::uint64_t end) const = 0;
  // Sees to that, for `end` and if it costs no more for `wanted`. Data reaches to `written`.
  virtual void make_room(std::uint64_t written, std::uint64_t end, std::uint64_t wanted) = 0;
  // Behind the footer of now: a reader that took the size may be about to look there. 0 where data cannot go past it.
  virtual std::uint64_t spared() const = 0;
  // Where a manifest goes that no region was given for, once data reaches to `written`.
  virtual std::uint64_t place_manifest(std::uint64_t written, std::uint64_t length, std::uint64_t alignment) = 0;
  virtual std::size_t footer_length() const = 0;
  // The file's manifest is the one that lies where place_manifest() said, or in the region that `footer` names.
  virtual void commit(std::span<const std::byte> footer) = 0;

 protected:
  FileEnd(io::LockedFile& file, std::uint64_t base) : file_(file), base_(base) {}
  void check_size(std::uint64_t end) const;  // throws io: no file is as large
  [[noreturn]] void fail_live() const;       // what was found is not the live version's end

  static constexpr std::uint64_t kMaxSize =
      std::numeric_limits<std::int64_t>::max() - kPage;  // within what off_t can say

  io::LockedFile& file_;
  std::uint64_t base_;
};

// Where the live version ended, if what follows it is no more than what an append left that was killed. Nothing where
// the file ends as it should, or behind something else.
std::optional<std::uint64_t> find_former_end(Tail tail, const Live& live, const ByteStore& store);

// Generations 1.1 and 1.2; generation 2.
std::optional<std::uint64_t> find_sized_end(const Live& live, const ByteStore& store);
std::optional<std::uint64_t> find_footer_end(const Live& live, const ByteStore& store);
std::unique_ptr<FileEnd> make_sized_end(io::LockedFile& file, const Live& live, std::uint64_t hop_limit);
std::unique_ptr<FileEnd> make_footer_end(io::LockedFile& file, const Live& live);

}  // namespace zt::grow
