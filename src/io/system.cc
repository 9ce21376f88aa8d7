#include "io/system.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <limits>

#ifdef __linux__
#include <sys/stat.h>
#include <sys/xattr.h>
#endif

namespace zt::io::sys {
namespace {

constinit std::atomic<Hook*> current{nullptr};

Verdict ask(const Event& event) noexcept {
  Hook* const hook = current.load(std::memory_order_acquire);
  if (hook == nullptr) [[likely]]
    return {};
  return hook->before(event);
}

template <class Work>
auto perform(const Event& event, Work&& work) noexcept -> decltype(work(std::size_t{})) {
  const Verdict verdict = ask(event);
  if (verdict.os_error != 0) {
    errno = verdict.os_error;
    return -1;
  }
  if (verdict.pretend) return 0;
  return work(verdict.at_most.value_or(std::numeric_limits<std::size_t>::max()));
}

std::span<const std::byte> as_span(const void* bytes, std::size_t length) {
  return {static_cast<const std::byte*>(bytes), length};
}

// The system would take a larger offset for a negative one.
constexpr std::uint64_t kMaxOffset = std::numeric_limits<off_t>::max();

}  // namespace

void set_hook(Hook* hook) noexcept { current.store(hook, std::memory_order_release); }

int openat(int folder, const char* name, int flags, mode_t mode) noexcept {
  return perform({.call = Call::create, .file = folder, .flags = static_cast<unsigned>(flags)},
                 [&](std::size_t) { return os::openat(folder, name, flags, mode); });
}

ssize_t pread(int file, void* out, std::size_t length, std::uint64_t offset) noexcept {
  if (Hook* const hook = current.load(std::memory_order_acquire); hook != nullptr) [[unlikely]]
    hook->reading(file, offset, length);
  return os::pread(file, out, length, static_cast<off_t>(offset));
}

std::uint32_t file_system(int file) noexcept {
  if (Hook* const hook = current.load(std::memory_order_acquire); hook != nullptr) [[unlikely]] {
    if (const auto told = hook->file_system(file)) return *told;
  }
  return os::file_system(file);
}

ssize_t write(int file, const void* bytes, std::size_t length) noexcept {
  return perform({Call::write, file, 0, as_span(bytes, length)},
                 [&](std::size_t at_most) { return os::write(file, bytes, std::min(length, at_most)); });
}

ssize_t pwrite(int file, const void* bytes, std::size_t length, std::uint64_t offset) noexcept {
  if (offset > kMaxOffset) {
    errno = EFBIG;
    return -1;
  }
  return perform({Call::pwrite, file, offset, as_span(bytes, length)}, [&](std::size_t at_most) {
    return os::pwrite(file, bytes, std::min(length, at_most), static_cast<off_t>(offset));
  });
}

void reserve(int file, std::uint64_t offset, std::uint64_t length) noexcept {
  if (offset > kMaxOffset || length > kMaxOffset - offset) return;
  perform({.call = Call::reserve, .file = file, .offset = offset, .length = length},
          [&](std::size_t) { return os::reserve(file, offset, length); });
}

int ftruncate(int file, std::uint64_t size) noexcept {
  if (size > kMaxOffset) {
    errno = EFBIG;
    return -1;
  }
  return perform({Call::truncate, file, size},
                 [&](std::size_t) { return os::ftruncate(file, static_cast<off_t>(size)); });
}

int fsync(int file) noexcept {
  return perform({Call::sync, file}, [&](std::size_t) { return os::fsync(file); });
}

int fdatasync(int file) noexcept {
  return perform({Call::datasync, file}, [&](std::size_t) { return os::fdatasync(file); });
}

int linkat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  return perform({Call::link, to_folder}, [&](std::size_t) { return os::linkat(from_folder, from, to_folder, to, 0); });
}

int name_open(int file, int folder, const char* name) noexcept {
  return perform({Call::link, folder}, [&](std::size_t) { return os::name_open(file, folder, name); });
}

int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  return perform({Call::rename, to_folder},
                 [&](std::size_t) { return os::renameat(from_folder, from, to_folder, to); });
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  return perform({.call = Call::rename, .file = to_folder, .flags = flags},
                 [&](std::size_t) { return os::renameat2(from_folder, from, to_folder, to, flags); });
}

int unlinkat(int folder, const char* name) noexcept {
  return perform({Call::unlink, folder}, [&](std::size_t) { return os::unlinkat(folder, name, 0); });
}

int flock(int file, int operation) noexcept {
  const Call call = operation == LOCK_UN ? Call::unlock : Call::lock;
  return perform({call, file}, [&](std::size_t) { return os::flock(file, operation); });
}

#ifdef __linux__

int fchmod(int file, mode_t mode) noexcept {
  return perform({Call::chmod, file}, [&](std::size_t) { return ::fchmod(file, mode); });
}

int fchown(int file, uid_t owner, gid_t group) noexcept {
  return perform({Call::chown, file}, [&](std::size_t) { return ::fchown(file, owner, group); });
}

int fsetxattr(int file, const char* name, const void* value, std::size_t length) noexcept {
  return perform({Call::attribute, file}, [&](std::size_t) { return ::fsetxattr(file, name, value, length, 0); });
}

int fremovexattr(int file, const char* name) noexcept {
  return perform({Call::attribute, file}, [&](std::size_t) { return ::fremovexattr(file, name); });
}

#endif

}  // namespace zt::io::sys
