#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "ztensor/byte_store.h"

struct stat;

namespace zt::io {

class Descriptor;

// Which file this is, whatever its name.
struct Identity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  friend bool operator==(const Identity&, const Identity&) = default;
};

// A regular file, opened once for reading; its size is taken once. read_at() uses pread, so a file that was
// cut since is an io error. Mappings are made when first asked for and live as long as any Bytes over
// them.
class File final : public ByteStore {
 public:
  // Throws io: ENOENT, EISDIR, EACCES, ...; EINVAL for what is not a regular file (never blocks on a FIFO).
  static std::shared_ptr<const File> open(const std::filesystem::path& path);
  // A file that someone has open for reading, by another descriptor of it; without a path. Throws io as open() does.
  static std::shared_ptr<const File> share(int descriptor);
  ~File() override;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::uint64_t size() const override { return size_; }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override;
  Bytes map(Mapping mapping) const override;  // throws io
  const Identity& identity() const { return identity_; }
  std::uint64_t size_now() const;  // others may have changed it since. Throws io.
  // Whether its size or time of change are others than when it was opened. Throws io.
  bool was_changed() const;
  const std::filesystem::path& path() const { return path_; }

 private:
  static std::shared_ptr<const File> adopt(Descriptor& file, const struct stat& status,
                                           const std::filesystem::path& path);
  File(int descriptor, std::uint64_t size, std::int64_t modified, Identity identity, std::filesystem::path path);
  int descriptor_;
  std::uint64_t size_;
  std::int64_t modified_;  // nanoseconds
  Identity identity_;
  std::filesystem::path path_;
  Bytes mapped(Mapping mapping) const;
  // By Mapping; null until asked for. Hold the pages while the File lives. Without a lock, since one that a thread has at
  // a fork is locked for ever in the child.
  mutable std::atomic<const Bytes*> mappings_[kMappings] = {};
};

}  // namespace zt::io
