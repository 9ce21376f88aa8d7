#pragma once

#include <cstddef>
#include <cstdint>

#include <fcntl.h>
#include <sys/types.h>

// The names of POSIX that Windows lacks. os_windows.cc gives them their meaning. A file number is one of the C runtime.

inline constexpr int O_CLOEXEC = 0;  // no file is inherited
inline constexpr int O_NOCTTY = 0;
inline constexpr int O_NONBLOCK = 0;
inline constexpr int O_NOFOLLOW = 0x0100'0000;
inline constexpr int O_DIRECTORY = 0x0200'0000;
inline constexpr int O_PATH = 0x0400'0000;
inline constexpr int O_TMPFILE = 0x0800'0000;  // never works

inline constexpr int LOCK_EX = 2;
inline constexpr int LOCK_NB = 4;
inline constexpr int LOCK_UN = 8;

inline constexpr unsigned RENAME_NOREPLACE = 1;

#ifndef EDQUOT
inline constexpr int EDQUOT = 10'069;
#endif

namespace zt::io::os {

int close(int file) noexcept;
int openat(int folder, const char* name, int flags, mode_t mode) noexcept;
ssize_t pread(int file, void* out, std::size_t length, std::int64_t offset) noexcept;
ssize_t write(int file, const void* bytes, std::size_t length) noexcept;
ssize_t pwrite(int file, const void* bytes, std::size_t length, std::int64_t offset) noexcept;
std::int64_t lseek(int file, std::int64_t offset, int origin) noexcept;
int ftruncate(int file, std::int64_t size) noexcept;
int fsync(int file) noexcept;  // EINVAL for a folder: its names are in the journal of NTFS
int fdatasync(int file) noexcept;
int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept;
int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept;
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept;
int unlinkat(int folder, const char* name, int flags) noexcept;
// Locks a byte behind the end of every file: a lock of Windows keeps others from reading the bytes that it covers.
int flock(int file, int operation) noexcept;

}  // namespace zt::io::os
