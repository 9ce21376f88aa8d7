#include "io/replaceable.h"

#include <cerrno>

#include "ztensor/error.h"

namespace zt::io {

void fail_replacing(int os_error, const Target& target, const char* what) {
  const bool writable = os::may_write_at(target.folder.get(), target.name.c_str());
  const bool full = os_error == ENOSPC || os_error == EDQUOT || os_error == EIO;
  throw Error::system(os_error, utf8_of(target.asked), what, writable && !full ? "write.inplace" : "");
}

void check_replaceable(const Target& target, const os::Status& existing) {
  if (os::is_mount_point(target.folder.get(), target.name.c_str())) {
    fail_replacing(EBUSY, target, "cannot replace a file that is mounted");
  }
  if (os::is_kept_by_others(target.folder.get(), existing)) {
    fail_replacing(EPERM, target, "cannot replace a file of another user in a sticky folder");
  }
}

void check_output(const std::filesystem::path& path, bool overwrite) {
  const Target target = resolve_target(path, Folder::place);
  const auto existing = look(target);
  if (existing && !overwrite) throw Error::system(EEXIST, utf8_of(path), "not replaced", "write.exists");
  if (existing) check_replaceable(target, *existing);
  if (!os::may_write_in(target.folder.get())) {
    fail_replacing(errno, target, "cannot create a file in its folder");
  }
}

}  // namespace zt::io
