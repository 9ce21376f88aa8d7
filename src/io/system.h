#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <sys/types.h>

#include "io/os.h"

// Every call of os.h that changes a file, its size, its name or its lock, and pread and file_system. They behave as those
// of os.h, unless a test has set a Hook. Other calls that only read are made directly.
namespace zt::io::sys {

enum class Call {
  create,
  write,
  pwrite,
  reserve,
  truncate,
  sync,
  datasync,
  link,
  rename,
  unlink,
  chmod,
  chown,
  attribute,
  lock,
  unlock
};

// A call that is about to be made. `file` is the descriptor of the file that changes, or of the folder whose name
// changes.
struct Event {
  Call call;
  int file;
  std::uint64_t offset = 0;  // for pwrite and reserve; the new size for truncate
  std::span<const std::byte> bytes = {};
  std::uint64_t length = 0;  // for reserve
  unsigned flags = 0;        // for create and rename
};

struct Verdict {
  int os_error = 0;                         // not 0: the call does nothing and fails with this errno
  std::optional<std::size_t> at_most = {};  // a write writes no more bytes than this
  bool pretend = false;                     // the call does nothing and succeeds
};

// Lets a test fail, shorten and watch the calls of the whole process. May be called from any thread.
class Hook {
 public:
  virtual ~Hook() = default;
  virtual Verdict before(const Event& event) noexcept = 0;
  virtual void reading(int, std::uint64_t, std::uint64_t) noexcept {
  }  // file, offset, length of a pread about to be done
  // The type of file system that a file shall seem to be on.
  virtual std::optional<std::uint32_t> file_system(int) noexcept { return std::nullopt; }
};

// Null removes the hook. No call may run on another thread meanwhile.
void set_hook(Hook* hook) noexcept;

int openat(int folder, const char* name, int flags, mode_t mode) noexcept;
ssize_t pread(int file, void* out, std::size_t length, std::uint64_t offset) noexcept;
ssize_t write(int file, const void* bytes, std::size_t length) noexcept;
ssize_t pwrite(int file, const void* bytes, std::size_t length, std::uint64_t offset) noexcept;
// fallocate()s the range before a large write, on ext4 only, where it saves a third of the time. It changes no byte and
// no size, and ignores errors: the writes will report a full disk. On other file systems it would harm: XFS keeps space
// behind the end, btrfs stops to compress, and tmpfs clears the memory first.
void reserve(int file, std::uint64_t offset, std::uint64_t length) noexcept;
// The magic number of the file system that the file is on, as in linux/magic.h; 0 if it is not known.
std::uint32_t file_system(int file) noexcept;
int ftruncate(int file, std::uint64_t size) noexcept;
int fsync(int file) noexcept;
int fdatasync(int file) noexcept;
int linkat(int from_folder, const char* from, int to_folder, const char* to) noexcept;
int name_open(int file, int folder, const char* name) noexcept;
int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept;
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept;
int unlinkat(int folder, const char* name) noexcept;
int flock(int file, int operation) noexcept;
#ifdef __linux__
int fchmod(int file, mode_t mode) noexcept;
int fchown(int file, uid_t owner, gid_t group) noexcept;
int fsetxattr(int file, const char* name, const void* value, std::size_t length) noexcept;
int fremovexattr(int file, const char* name) noexcept;
#endif

}  // namespace zt::io::sys
