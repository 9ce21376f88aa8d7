#pragma once

#include <fcntl.h>
#include <sys/types.h>

// The names of Linux that macOS lacks. See beyond_posix_macos.cc.

inline constexpr int O_PATH = O_RDONLY;
inline constexpr int O_TMPFILE = 0x4000'0000;  // never works

inline constexpr unsigned RENAME_NOREPLACE = 1;

namespace zt::io::os {

int openat(int folder, const char* name, int flags, mode_t mode) noexcept;
int fsync(int file) noexcept;
int fdatasync(int file) noexcept;
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept;

}  // namespace zt::io::os
