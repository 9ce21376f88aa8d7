#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/types.h>

#include "io/identity.h"

#ifdef _WIN32
#include "io/os_windows.h"
#else
#ifdef __APPLE__
#include "io/os_macos.h"
#endif
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>
#endif

// The calls of the operating system that io is made of. os.cc has those of POSIX, beyond_posix.cc what each POSIX system
// has of its own, os_windows.cc all for Windows. They fail as in POSIX: with -1 or false, and errno. Only system.h calls
// those that change something, so that a test may watch them, except a Spool, whose file nobody else sees.
namespace zt::io::os {

enum class Kind : std::uint8_t { regular, folder, link, other };

struct Status {
  Kind kind = Kind::other;
  Identity identity;
  std::uint64_t size = 0;
  std::int64_t modified = 0;  // the time of the last change, in nanoseconds
  std::uint64_t names = 1;    // hard links
  // Of POSIX alone:
  std::uint32_t mode = 0;  // without the kind
  std::uint32_t owner = 0;
  std::uint32_t group = 0;
};

// Flags are those of POSIX, and files are never inherited by other programs.
int open(const std::filesystem::path& path, int flags) noexcept;
int duplicate(int file) noexcept;

bool status_of(int file, Status& status) noexcept;
bool status_of(const std::filesystem::path& path, Status& status) noexcept;       // of what a link leads to
bool link_status_of(const std::filesystem::path& path, Status& status) noexcept;  // of the link
bool status_at(int folder, const char* name, Status& status) noexcept;            // of the link
// The path that a link names, and the path of what is at the end of all links. Empty, with errno, if that fails.
std::filesystem::path text_of_link(const std::filesystem::path& link);
std::filesystem::path real_path(const std::filesystem::path& path);
std::string text_of_link_at(int folder, const char* name);  // "" if there is none

// Those of the first `most` names in a folder that are wanted; empty if it cannot be listed.
std::vector<std::string> names_in(int folder, std::size_t most, const std::function<bool(std::string_view)>& wanted);
// The longest name that a file in the folder may have, in bytes.
std::size_t longest_name(int folder) noexcept;
bool may_write_in(int folder) noexcept;
bool may_write_at(int folder, const char* name) noexcept;

// Whether the name is a mount of a file by itself: it cannot be replaced. False if that is not known.
bool is_mount_point(int folder, const char* name) noexcept;
// Whether the file is of another user, in a sticky folder, such as /tmp: only the owner of a file or of such a folder may
// replace the file. False if that is not known.
bool is_kept_by_others(int folder, const Status& existing) noexcept;

// An open file that is gone when it is closed, in the system's folder for temporary files.
int open_temporary(std::filesystem::path& name);

// The first `length` bytes of a file as pages: those of the file itself, which must not be written to, or a copy on
// write. Null, with errno, if it fails.
void* map(int file, std::size_t length, bool shared) noexcept;
void unmap(void* pages, std::size_t length) noexcept;
// Whole pages of a mapping leave memory, except those that were written to if `keep_written`. Ignores errors.
void forget(void* pages, std::size_t length, bool keep_written) noexcept;
std::size_t page_size() noexcept;
std::int64_t process_id() noexcept;

// Whether the open, unnamed file can get a name.
bool is_nameable(int file) noexcept;

#ifndef _WIN32
using ::close;
using ::flock;
using ::ftruncate;
using ::linkat;
using ::lseek;
using ::pread;
using ::pwrite;
using ::renameat;
using ::unlinkat;
using ::write;
#endif
#ifdef __linux__
using ::fdatasync;
using ::fsync;
using ::openat;
using ::renameat2;
#endif
// Opens a path below a folder through no link at all; ENOSYS if the system cannot.
int open_beneath(int folder, const char* relative, int flags) noexcept;
// Gives the open, unnamed file a name.
int name_open(int file, int folder, const char* name) noexcept;
// Reserves space on file systems where that is known to be good; see sys::reserve().
int reserve(int file, std::uint64_t offset, std::uint64_t length) noexcept;
// See sys::file_system().
std::uint32_t file_system(int file) noexcept;

}  // namespace zt::io::os
