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
// file). Every write here is ordered against the others. Each write that extends or commits the file stays in one page.
class FileEnd {
 public:
  virtual ~FileEnd() = default;

  // Bytes below are never changed. It is the end of the file, or the place where a killed append began.
  std::uint64_t base() const { return base_; }
  // Whether the bytes from `base` to `end` are free for data, and the end of the file lies after them.
  virtual bool has_room(std::uint64_t end) const = 0;
  // Makes room up to `end`, and up to `wanted` if that costs no more. Data reaches to `written`.
  virtual void make_room(std::uint64_t written, std::uint64_t end, std::uint64_t wanted) = 0;
  // The position after the current footer: a reader that has just read the size may look at this footer. 0 if data
  // cannot go past it.
  virtual std::uint64_t spared() const = 0;
  // The place of a manifest without a region, once data reaches to `written`.
  virtual std::uint64_t place_manifest(std::uint64_t written, std::uint64_t length, std::uint64_t alignment) = 0;
  virtual std::size_t footer_length() const = 0;
  // Makes the manifest current that lies where place_manifest() said, or in the region that `footer` names.
  virtual void commit(std::span<const std::byte> footer) = 0;

 protected:
  FileEnd(io::LockedFile& file, std::uint64_t base) : file_(file), base_(base) {}
  void check_size(std::uint64_t end) const;  // throws io: no file can be as large
  [[noreturn]] void fail_live() const;       // for an end that is not the end of the live version

  static constexpr std::uint64_t kMaxSize = std::numeric_limits<std::int64_t>::max() - kPage;  // the limit of off_t

  io::LockedFile& file_;
  std::uint64_t base_;
};

// The end of the live version, if only the leftovers of a killed append follow it. Empty if nothing follows it, or if
// something else does.
std::optional<std::uint64_t> find_former_end(Tail tail, const Live& live, const ByteStore& store);

// For generations 1.1 and 1.2, and for generation 2.
std::optional<std::uint64_t> find_sized_end(const Live& live, const ByteStore& store);
std::optional<std::uint64_t> find_footer_end(const Live& live, const ByteStore& store);
std::unique_ptr<FileEnd> make_sized_end(io::LockedFile& file, const Live& live, std::uint64_t hop_limit);
std::unique_ptr<FileEnd> make_footer_end(io::LockedFile& file, const Live& live);

}  // namespace zt::grow
