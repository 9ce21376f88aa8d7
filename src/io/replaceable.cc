#include "io/replaceable.h"

#include <cerrno>
#include <cstdint>

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ztensor/error.h"

namespace zt::io {
namespace {

// Comparing st_dev would not do: it is equal if the mounted file is of the same file system, and it differs for files
// of an overlay.
bool is_mounted(const Target& target) {
#ifdef STATX_ATTR_MOUNT_ROOT
  struct statx status {};
  const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
  return ::statx(target.folder.get(), target.name.c_str(), flags, STATX_TYPE, &status) == 0 &&
         (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
#else
  static_cast<void>(target);
  return false;
#endif
}

// Whether the process may act as the owner of any file.
bool owns_all() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capget, &header, sets) != 0) return true;  // unknown: the rename will report it
  return (sets[CAP_TO_INDEX(CAP_FOWNER)].effective & CAP_TO_MASK(CAP_FOWNER)) != 0;
}

// In a sticky folder, such as /tmp, only the owner of a file or of the folder may replace the file.
bool is_kept_by_others(const Target& target, const struct stat& existing) {
  struct stat folder {};
  if (::fstat(target.folder.get(), &folder) != 0 || (folder.st_mode & S_ISVTX) == 0) return false;
  const uid_t user = ::geteuid();
  return existing.st_uid != user && folder.st_uid != user && !owns_all();
}

}  // namespace

void fail_replacing(int os_error, const Target& target, const char* what) {
  const bool writable = ::faccessat(target.folder.get(), target.name.c_str(), W_OK, AT_EACCESS) == 0;
  const bool full = os_error == ENOSPC || os_error == EDQUOT || os_error == EIO;
  throw Error::system(os_error, target.asked.native(), what, writable && !full ? "write.inplace" : "");
}

void check_replaceable(const Target& target, const struct stat& existing) {
  if (is_mounted(target)) fail_replacing(EBUSY, target, "cannot replace a file that is mounted");
  if (is_kept_by_others(target, existing)) {
    fail_replacing(EPERM, target, "cannot replace a file of another user in a sticky folder");
  }
}

void check_output(const std::filesystem::path& path, bool overwrite) {
  const Target target = resolve_target(path, Folder::place);
  const auto existing = look(target);
  if (existing && !overwrite) throw Error::system(EEXIST, path.native(), "not replaced", "write.exists");
  if (existing) check_replaceable(target, *existing);
  if (::faccessat(target.folder.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) {
    fail_replacing(errno, target, "cannot create a file in its folder");
  }
}

}  // namespace zt::io
