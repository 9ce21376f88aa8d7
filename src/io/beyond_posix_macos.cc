#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string_view>

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/stat.h>

#include "io/os.h"

// What POSIX does not have, for macOS. Written from its manual pages, and never compiled: nobody here has the system.
namespace zt::io::os {

bool is_mount_point(int, const char*) noexcept { return false; }

bool is_kept_by_others(int folder, const Status& existing) noexcept {
  struct stat status {};
  if (::fstat(folder, &status) != 0 || (status.st_mode & S_ISVTX) == 0) return false;
  const uid_t user = ::geteuid();
  return user != 0 && existing.owner != user && status.st_uid != user;
}

void forget(void* pages, std::size_t length, bool keep_written) noexcept {
  if (!keep_written) ::madvise(pages, length, MADV_DONTNEED);
}

bool is_nameable(int) noexcept { return false; }

int open_beneath(int, const char*, int) noexcept {
  errno = ENOSYS;
  return -1;
}

int name_open(int, int, const char*) noexcept {
  errno = ENOTSUP;
  return -1;
}

int reserve(int, std::uint64_t, std::uint64_t) noexcept { return 0; }

// The numbers that Linux has for the same file systems: File::is_remote() knows these.
std::uint32_t file_system(int file) noexcept {
  struct Known {
    std::string_view name;
    std::uint32_t number;
  };
  constexpr Known kKnown[] = {
      {"nfs", 0x6969},         {"smbfs", 0x517B},       {"afpfs", 0x5346414F},  {"webdav", 0x65735546},
      {"macfuse", 0x65735546}, {"osxfuse", 0x65735546}, {"fusefs", 0x65735546},
  };
  struct statfs status {};
  if (::fstatfs(file, &status) != 0) return 0;
  const auto* const known = std::ranges::find(kKnown, std::string_view(status.f_fstypename), &Known::name);
  return known == std::end(kKnown) ? 0 : known->number;
}

int openat(int folder, const char* name, int flags, mode_t mode) noexcept {
  if ((flags & O_TMPFILE) != 0) {
    errno = EOPNOTSUPP;
    return -1;
  }
  return ::openat(folder, name, flags, mode);
}

// fsync() of macOS leaves the bytes in the cache of the disk.
int fsync(int file) noexcept {
  if (::fcntl(file, F_FULLFSYNC) == 0) return 0;
  return ::fsync(file);
}

int fdatasync(int file) noexcept { return fsync(file); }

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  return ::renameatx_np(from_folder, from, to_folder, to, (flags & RENAME_NOREPLACE) != 0 ? RENAME_EXCL : 0);
}

}  // namespace zt::io::os
