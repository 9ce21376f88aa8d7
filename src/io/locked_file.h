#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "io/descriptor.h"
#include "io/file.h"

namespace zt::io {

// An existing file, open for writing in place and locked against other writers.
class LockedFile {
 public:
  // Throws io: as File::open, EWOULDBLOCK when another writer has the file.
  LockedFile(const std::filesystem::path& path, bool durable);
  ~LockedFile();
  LockedFile(const LockedFile&) = delete;
  LockedFile& operator=(const LockedFile&) = delete;

  std::uint64_t size() const { return size_; }  // the size when the lock was taken
  const std::shared_ptr<const File>& store() const { return store_; }
  const std::filesystem::path& path() const { return path_; }
  // False in a forked child: it has a copy of this object, but the lock and the file belong to its parent.
  bool is_owner() const;

  void read(std::uint64_t offset, std::span<std::byte> out) const;
  void reserve(std::uint64_t offset, std::uint64_t length) noexcept;  // see sys::reserve()
  void write(std::uint64_t offset, std::span<const std::byte> bytes);
  void copy(std::uint64_t from, std::uint64_t length, std::uint64_t to);
  // If durable, makes all that is written so far last before any later write.
  void sync();
  // Throws the errors that network file systems and quotas report only when a file is closed.
  void check_written();
  // Throws usage unless the path still leads to this file.
  void check_place() const;
  void truncate(std::uint64_t size) noexcept;  // ignores errors
  void cut(std::uint64_t size);                // truncates, or throws io

 private:
  void open();

  std::filesystem::path path_;
  std::filesystem::path place_;
  bool durable_;
  std::int64_t process_;
  Descriptor file_;
  std::shared_ptr<const File> store_;
  std::uint64_t size_ = 0;
};

}  // namespace zt::io
