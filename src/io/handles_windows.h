#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <windows.h>

#include "io/os.h"

// Errors, names and handles of Windows, for os_windows.cc. Handles are closed by their owner. Functions that fail set
// errno, as those of POSIX do.
namespace zt::io::os {

int error_number(DWORD error);
// Both set errno, and return -1.
int fail(DWORD error);
int fail_now();                // by GetLastError()
int fail_status(LONG status);  // an NTSTATUS

// The name of a file in a folder, in UTF-16. Empty, with errno, for a name that would mean more than a name: a path, a
// stream of a file ("a:b"), a pattern; and for what is not UTF-8.
std::optional<std::wstring> wide_name(const char* name) noexcept;

struct Close {
  using pointer = HANDLE;
  void operator()(HANDLE handle) const { ::CloseHandle(handle); }
};
using Handle = std::unique_ptr<HANDLE, Close>;

HANDLE handle_of(int file);    // of a number of the C runtime; it keeps the handle
int number_of(Handle handle);  // takes the handle over

constexpr DWORD kShared = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

ACCESS_MASK access_of(int flags);  // those of open()

// Opens `name` in a folder, itself if it is a link, and as programs see it otherwise. Null, with errno, if it fails.
Handle open_in(int folder, const char* name, ACCESS_MASK access, ULONG disposition, ULONG options);
// Opens a path. `flags`: as those of CreateFileW. Null, with errno, if it fails.
Handle open_path(const std::filesystem::path& path, ACCESS_MASK access, DWORD flags) noexcept;

bool is_link(HANDLE handle);
bool status_of_handle(HANDLE handle, Status& status);

}  // namespace zt::io::os
