#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "io/identity.h"
#include "ztensor/byte_store.h"

namespace zt::io {

class Descriptor;
namespace os {
struct Status;
}

// A regular file, opened once for reading; its size is read once. read_at() uses pread, so a file that was cut
// meanwhile is an io error. A mapping is made when it is first asked for. It lives until the File and all Bytes over
// it are gone.
class File final : public ByteStore {
 public:
  // Throws io: ENOENT, EISDIR, EACCES, ...; EINVAL unless it is a regular file (a FIFO does not block).
  static std::shared_ptr<const File> open(const std::filesystem::path& path);
  // A file that the caller has open for reading. Duplicates the descriptor; has no path. Throws io as open() does.
  static std::shared_ptr<const File> share(int descriptor);
  // Takes over the descriptor of an open regular file, whose status is `status`.
  static std::shared_ptr<const File> take(Descriptor& file, const os::Status& status,
                                          const std::filesystem::path& path);
  ~File() override;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::uint64_t size() const override { return size_; }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override;
  Bytes map(Mapping mapping) const override;  // throws io
  // Of the pages that lie in the range as a whole, those of the copy-on-write mapping leave memory only as far as
  // nothing was written to them. Writes to the shielded mapping are undone: nobody has the right to them.
  void release(std::uint64_t offset, std::uint64_t length) const override;
  const Identity& identity() const { return identity_; }
  std::int64_t modified() const { return modified_; }  // the time of the last change at opening, in nanoseconds
  std::uint64_t size_now() const;                      // asks the system again. Throws io.
  // Whether the file is behind a network or in a process of the user (FUSE). Reading such files is faster than mapping
  // them, and when the other side is lost, a read is an error, but touching a mapping ends the process.
  bool is_remote() const noexcept;
  // Whether the size or the time of the last change differ from those at opening. Throws io.
  bool was_changed() const;
  const std::filesystem::path& path() const { return path_; }

 private:
  File(int descriptor, std::uint64_t size, std::int64_t modified, Identity identity, std::filesystem::path path);
  int descriptor_;
  std::uint64_t size_;
  std::int64_t modified_;  // nanoseconds
  Identity identity_;
  std::filesystem::path path_;
  Bytes mapped(Mapping mapping) const;
  // One for each Mapping, null until it is asked for; they hold the pages while the File lives. There is no lock: a
  // lock that a thread holds at a fork stays locked for ever in the child.
  mutable std::atomic<const Bytes*> mappings_[kMappings] = {};
};

}  // namespace zt::io
