#include "io/handles_windows.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <string_view>

#include <io.h>
#include <winternl.h>

#include "ztensor/paths.h"

namespace zt::io::os {

namespace fs = std::filesystem;

namespace {

constexpr DWORD kDiskQuota = 1295;  // ERROR_DISK_QUOTA_EXCEEDED; some headers lack it

constexpr NTSTATUS kIsFolder = static_cast<NTSTATUS>(0xC00000BA);
constexpr NTSTATUS kDeletePending = static_cast<NTSTATUS>(0xC0000056);

// A long path needs a prefix, after which the system takes it literally.
fs::path reachable(const fs::path& path) {
  constexpr std::size_t kShort = 240;
  constexpr std::wstring_view kPrefix = LR"(\\?\)";
  std::error_code error;
  fs::path whole = fs::absolute(path, error).lexically_normal().make_preferred();
  if (error || whole.native().size() < kShort || whole.native().starts_with(kPrefix)) return path;
  const bool network = whole.native().starts_with(LR"(\\)");
  return std::wstring(network ? LR"(\\?\UNC)" : kPrefix) + (network ? whole.native().substr(1) : whole.native());
}

// Opens `name` in a folder, itself if it is a link. Null, with errno, if it fails.
Handle open_raw(int folder, const char* name, ACCESS_MASK access, ULONG disposition, ULONG options) {
  std::optional<std::wstring> wide = wide_name(name);
  if (!wide) return nullptr;
  UNICODE_STRING text{static_cast<USHORT>(wide->size() * sizeof(wchar_t)),
                      static_cast<USHORT>(wide->size() * sizeof(wchar_t)), wide->data()};
  if (wide->size() > 255) {
    errno = ENAMETOOLONG;
    return nullptr;
  }
  OBJECT_ATTRIBUTES object;
  InitializeObjectAttributes(&object, &text, OBJ_CASE_INSENSITIVE, handle_of(folder), nullptr);
  IO_STATUS_BLOCK result{};
  HANDLE handle = nullptr;
  const NTSTATUS status = ::NtCreateFile(
      &handle, access | SYNCHRONIZE | FILE_READ_ATTRIBUTES, &object, &result, nullptr, FILE_ATTRIBUTE_NORMAL, kShared,
      disposition, options | FILE_SYNCHRONOUS_IO_NONALERT | FILE_OPEN_FOR_BACKUP_INTENT, nullptr, 0);
  if (status < 0) {
    fail_status(status);
    return nullptr;
  }
  return Handle(handle);
}

// The tag of a link, of a file whose content is elsewhere (in a cloud, deduplicated), and so on; 0 if it has none.
ULONG tag_of(HANDLE handle) {
  FILE_ATTRIBUTE_TAG_INFO tag{};
  if (::GetFileInformationByHandleEx(handle, FileAttributeTagInfo, &tag, sizeof tag) == 0) return 0;
  return (tag.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 ? tag.ReparseTag : 0;
}

std::uint64_t joined(DWORD high, DWORD low) { return std::uint64_t{high} << 32 | low; }

}  // namespace

int error_number(DWORD error) {
  switch (error) {
    case ERROR_SUCCESS: return 0;
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_DRIVE:
    case ERROR_BAD_NETPATH:
    case ERROR_BAD_NET_NAME:
    case ERROR_INVALID_NAME:
    case ERROR_BAD_PATHNAME: return ENOENT;
    case ERROR_ACCESS_DENIED:
    case ERROR_CANNOT_MAKE:
    case ERROR_PRIVILEGE_NOT_HELD: return EACCES;
    case ERROR_SHARING_VIOLATION:
    case ERROR_BUSY:
    case ERROR_USER_MAPPED_FILE:
    case ERROR_DELETE_PENDING: return EBUSY;
    case ERROR_LOCK_VIOLATION: return EWOULDBLOCK;
    case ERROR_ALREADY_EXISTS:
    case ERROR_FILE_EXISTS: return EEXIST;
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL:
    case kDiskQuota: return ENOSPC;
    case ERROR_TOO_MANY_OPEN_FILES: return EMFILE;
    case ERROR_NOT_SAME_DEVICE: return EXDEV;
    case ERROR_INVALID_HANDLE: return EBADF;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
    case ERROR_COMMITMENT_LIMIT:
    case ERROR_NO_SYSTEM_RESOURCES: return ENOMEM;
    case ERROR_DIRECTORY: return ENOTDIR;
    case ERROR_DIR_NOT_EMPTY: return ENOTEMPTY;
    case ERROR_CANT_RESOLVE_FILENAME: return ELOOP;
    case ERROR_FILENAME_EXCED_RANGE: return ENAMETOOLONG;
    case ERROR_WRITE_PROTECT: return EROFS;
    case ERROR_FILE_TOO_LARGE: return EFBIG;
    case ERROR_TOO_MANY_LINKS: return EMLINK;
    case ERROR_NOT_SUPPORTED:
    case ERROR_CALL_NOT_IMPLEMENTED: return EOPNOTSUPP;
    case ERROR_INVALID_FUNCTION:
    case ERROR_INVALID_PARAMETER:
    case ERROR_NEGATIVE_SEEK: return EINVAL;
    default: return EIO;
  }
}

int fail(DWORD error) {
  errno = error_number(error);
  return -1;
}

int fail_now() { return fail(::GetLastError()); }

int fail_status(NTSTATUS status) {
  if (status == kIsFolder || status == kDeletePending) {
    errno = status == kIsFolder ? EISDIR : EBUSY;
    return -1;
  }
  return fail(::RtlNtStatusToDosError(status));
}

std::optional<std::wstring> wide_name(const char* name) noexcept {
  std::wstring wide;
  const int length = ::MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, name, -1, nullptr, 0);
  errno = EINVAL;
  if (length <= 1) return std::nullopt;
  try {
    wide.resize(static_cast<std::size_t>(length));
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
    return std::nullopt;
  }
  ::MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, name, -1, wide.data(), length);
  wide.pop_back();  // the NUL
  if (wide == L".") return std::wstring();
  if (wide == L"..") return std::nullopt;
  const bool odd = std::ranges::any_of(
      wide, [](wchar_t c) { return c < 32 || std::wstring_view(L"\\/:*?\"<>|").find(c) != std::wstring_view::npos; });
  if (odd) return std::nullopt;
  return wide;
}

HANDLE handle_of(int file) { return reinterpret_cast<HANDLE>(::_get_osfhandle(file)); }

int number_of(Handle handle) {
  const int file = ::_open_osfhandle(reinterpret_cast<std::intptr_t>(handle.get()), _O_BINARY | _O_NOINHERIT);
  if (file < 0) {
    errno = EMFILE;
    return -1;
  }
  static_cast<void>(handle.release());
  return file;
}

ACCESS_MASK access_of(int flags) {
  if ((flags & O_PATH) != 0) return FILE_READ_ATTRIBUTES | FILE_TRAVERSE | READ_CONTROL | SYNCHRONIZE;
  ACCESS_MASK access = FILE_GENERIC_READ;
  if ((flags & (O_WRONLY | O_RDWR)) != 0) access |= FILE_GENERIC_WRITE;
  if ((flags & O_CREAT) != 0) access |= WRITE_DAC;
  return access;
}

bool is_link(HANDLE handle) {  // a tag with this bit names something else
  return (tag_of(handle) & 0x2000'0000) != 0;
}

Handle open_in(int folder, const char* name, ACCESS_MASK access, ULONG disposition, ULONG options) {
  Handle handle = open_raw(folder, name, access, disposition, options | FILE_OPEN_REPARSE_POINT);
  if (!handle || tag_of(handle.get()) == 0 || is_link(handle.get())) return handle;
  return open_raw(folder, name, access, FILE_OPEN, options);
}

bool status_of_handle(HANDLE handle, Status& status) {
  if (handle == INVALID_HANDLE_VALUE) {
    errno = EBADF;
    return false;
  }
  status = {};
  BY_HANDLE_FILE_INFORMATION found{};
  if (::GetFileInformationByHandle(handle, &found) == 0) {
    const DWORD error = ::GetLastError();
    if (::GetFileType(handle) != FILE_TYPE_DISK) return true;  // a device or a pipe
    fail(error);
    return false;
  }
  const bool folder = (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
  status.kind = is_link(handle) ? Kind::link : folder ? Kind::folder : Kind::regular;
  status.identity = {found.dwVolumeSerialNumber, joined(found.nFileIndexHigh, found.nFileIndexLow)};
  status.size = joined(found.nFileSizeHigh, found.nFileSizeLow);
  status.names = found.nNumberOfLinks;
  constexpr std::uint64_t kEpoch = 116'444'736'000'000'000;  // of POSIX, in the units of Windows: 100 ns
  const std::uint64_t time = joined(found.ftLastWriteTime.dwHighDateTime, found.ftLastWriteTime.dwLowDateTime);
  status.modified = static_cast<std::int64_t>(time - kEpoch) * 100;
  status.mode = 0666;
  return true;
}

Handle open_path(const fs::path& path, ACCESS_MASK access, DWORD flags) noexcept try {
  const HANDLE handle = ::CreateFileW(reachable(path).c_str(), access, kShared, nullptr, OPEN_EXISTING,
                                      flags | FILE_FLAG_BACKUP_SEMANTICS, nullptr);
  if (handle != INVALID_HANDLE_VALUE) return Handle(handle);
  fail_now();
  return nullptr;
} catch (const std::bad_alloc&) {
  errno = ENOMEM;
  return nullptr;
}

}  // namespace zt::io::os
