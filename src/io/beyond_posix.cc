#include <cerrno>
#include <cstdio>

#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "io/os.h"

// What POSIX does not have, for Linux.
namespace zt::io::os {
namespace {

// Whether the process may act as the owner of any file.
bool owns_all() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capget, &header, sets) != 0) return true;  // unknown: the rename will report it
  return (sets[CAP_TO_INDEX(CAP_FOWNER)].effective & CAP_TO_MASK(CAP_FOWNER)) != 0;
}

// The path of an open file below /proc. It throws nothing, so that it can fail in functions that may not.
struct OpenPath {
  explicit OpenPath(int file) { std::snprintf(text, sizeof text, "/proc/self/fd/%d", file); }
  char text[32];
};

}  // namespace

// Comparing st_dev would not do: it is equal if the mounted file is of the same file system, and it differs for files
// of an overlay.
bool is_mount_point(int folder, const char* name) noexcept {
#ifdef STATX_ATTR_MOUNT_ROOT
  struct statx status {};
  const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
  return ::statx(folder, name, flags, STATX_TYPE, &status) == 0 && (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
#else
  static_cast<void>(folder);
  static_cast<void>(name);
  return false;
#endif
}

bool is_kept_by_others(int folder, const Status& existing) noexcept {
  struct stat status {};
  if (::fstat(folder, &status) != 0 || (status.st_mode & S_ISVTX) == 0) return false;
  const uid_t user = ::geteuid();
  return existing.owner != user && status.st_uid != user && !owns_all();
}

void forget(void* pages, std::size_t length, bool keep_written) noexcept {
  ::madvise(pages, length, keep_written ? MADV_PAGEOUT : MADV_DONTNEED);
}

bool is_nameable(int file) noexcept {
  struct stat opened {};
  struct stat listed {};  // not there without /proc
  return ::fstat(file, &opened) == 0 && ::stat(OpenPath(file).text, &listed) == 0 && opened.st_ino == listed.st_ino &&
         opened.st_dev == listed.st_dev;
}

int open_beneath(int folder, const char* relative, int flags) noexcept {
  struct open_how how {};
  how.flags = static_cast<decltype(how.flags)>(flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
  return static_cast<int>(::syscall(SYS_openat2, folder, relative, &how, sizeof how));  // glibc has no wrapper
}

int name_open(int file, int folder, const char* name) noexcept {
  return ::linkat(AT_FDCWD, OpenPath(file).text, folder, name, AT_SYMLINK_FOLLOW);
}

int reserve(int file, std::uint64_t offset, std::uint64_t length) noexcept {
  if (file_system(file) != EXT4_SUPER_MAGIC) return 0;
  return ::fallocate(file, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(length));
}

std::uint32_t file_system(int file) noexcept {
  struct statfs status {};
  return ::fstatfs(file, &status) == 0 ? static_cast<std::uint32_t>(status.f_type) : 0;
}

}  // namespace zt::io::os
