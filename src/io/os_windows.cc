#include "io/os.h"
#include "ztensor/paths.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cwchar>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <string_view>
#include <utility>

#include <io.h>
#include <windows.h>
#include <winternl.h>

namespace zt::io::os {
namespace {

namespace fs = std::filesystem;

// --- errors --------------------------------------------------------------------------------------------------------

constexpr DWORD kDiskQuota = 1295;  // ERROR_DISK_QUOTA_EXCEEDED; some headers lack it

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

constexpr NTSTATUS kIsFolder = static_cast<NTSTATUS>(0xC00000BA);
constexpr NTSTATUS kDeletePending = static_cast<NTSTATUS>(0xC0000056);

int fail_status(NTSTATUS status) {
  if (status == kIsFolder || status == kDeletePending) {
    errno = status == kIsFolder ? EISDIR : EBUSY;
    return -1;
  }
  return fail(::RtlNtStatusToDosError(status));
}

// --- names ---------------------------------------------------------------------------------------------------------

// The name of a file in a folder, in UTF-16. Empty, with errno, for a name that would mean more than a name: a path, a
// stream of a file ("a:b"), a pattern; and for what is not UTF-8.
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

std::string narrow_name(std::wstring_view wide) { return utf8_of(fs::path(wide)); }

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

// --- handles and file numbers --------------------------------------------------------------------------------------

HANDLE handle_of(int file) { return reinterpret_cast<HANDLE>(::_get_osfhandle(file)); }

struct Close {
  using pointer = HANDLE;
  void operator()(HANDLE handle) const { ::CloseHandle(handle); }
};
using Handle = std::unique_ptr<HANDLE, Close>;

int number_of(Handle handle) {
  const int file = ::_open_osfhandle(reinterpret_cast<std::intptr_t>(handle.get()), _O_BINARY | _O_NOINHERIT);
  if (file < 0) {
    errno = EMFILE;
    return -1;
  }
  static_cast<void>(handle.release());
  return file;
}

constexpr DWORD kShared = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

ACCESS_MASK access_of(int flags) {
  if ((flags & O_PATH) != 0) return FILE_READ_ATTRIBUTES | FILE_TRAVERSE | READ_CONTROL | SYNCHRONIZE;
  ACCESS_MASK access = FILE_GENERIC_READ;
  if ((flags & (O_WRONLY | O_RDWR)) != 0) access |= FILE_GENERIC_WRITE;
  if ((flags & O_CREAT) != 0) access |= WRITE_DAC;
  return access;
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

// --- what is known of a file ---------------------------------------------------------------------------------------

// The tag of a link, of a file whose content is elsewhere (in a cloud, deduplicated), and so on; 0 if it has none.
ULONG tag_of(HANDLE handle) {
  FILE_ATTRIBUTE_TAG_INFO tag{};
  if (::GetFileInformationByHandleEx(handle, FileAttributeTagInfo, &tag, sizeof tag) == 0) return 0;
  return (tag.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 ? tag.ReparseTag : 0;
}

// A tag with this bit names something else.
bool is_link(HANDLE handle) { return (tag_of(handle) & 0x2000'0000) != 0; }

// Opens `name` in a folder, itself if it is a link, and as programs see it otherwise.
Handle open_in(int folder, const char* name, ACCESS_MASK access, ULONG disposition, ULONG options) {
  Handle handle = open_raw(folder, name, access, disposition, options | FILE_OPEN_REPARSE_POINT);
  if (!handle || tag_of(handle.get()) == 0 || is_link(handle.get())) return handle;
  return open_raw(folder, name, access, FILE_OPEN, options);
}

std::uint64_t joined(DWORD high, DWORD low) { return std::uint64_t{high} << 32 | low; }

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

// --- reading, writing, naming --------------------------------------------------------------------------------------

OVERLAPPED at(std::uint64_t offset) {
  OVERLAPPED place{};
  place.Offset = static_cast<DWORD>(offset);
  place.OffsetHigh = static_cast<DWORD>(offset >> 32);
  return place;
}

// A read or write at an offset moves the position of the file, which must stay.
class Position {
 public:
  explicit Position(HANDLE handle) : handle_(handle) { ::SetFilePointerEx(handle, {}, &before_, FILE_CURRENT); }
  ~Position() { ::SetFilePointerEx(handle_, before_, nullptr, FILE_BEGIN); }
  Position(const Position&) = delete;
  Position& operator=(const Position&) = delete;

 private:
  HANDLE handle_;
  LARGE_INTEGER before_{};
};

constexpr DWORD kMost = DWORD{1} << 30;

// FILE_RENAME_INFORMATION and FILE_LINK_INFORMATION have one form.
struct NameInformation {
  ULONG flags;  // of the older calls: whether to replace
  HANDLE folder;
  ULONG bytes;
  wchar_t name[256];
};

extern "C" NTSTATUS NTAPI NtSetInformationFile(HANDLE, PIO_STATUS_BLOCK, PVOID, ULONG, FILE_INFORMATION_CLASS);

constexpr auto kRename = std::bit_cast<FILE_INFORMATION_CLASS>(10);
constexpr auto kLink = std::bit_cast<FILE_INFORMATION_CLASS>(11);
constexpr auto kDispose = std::bit_cast<FILE_INFORMATION_CLASS>(13);
constexpr auto kDisposeEx = std::bit_cast<FILE_INFORMATION_CLASS>(64);
constexpr auto kRenameEx = std::bit_cast<FILE_INFORMATION_CLASS>(65);

constexpr ULONG kReplace = 1;
constexpr ULONG kAsPosix = 2;  // an open file may be replaced, or removed: who has it open keeps it

// Whether a call may only be unknown to this system.
bool is_unknown(NTSTATUS status) {
  const int error = error_number(::RtlNtStatusToDosError(status));
  return error == EINVAL || error == EOPNOTSUPP || error == EIO;
}

NTSTATUS set_name(HANDLE file, FILE_INFORMATION_CLASS what, ULONG flags, int folder, const std::wstring& name) {
  NameInformation information{flags, handle_of(folder), static_cast<ULONG>(name.size() * sizeof(wchar_t)), {}};
  name.copy(information.name, std::size(information.name));
  IO_STATUS_BLOCK result{};
  return NtSetInformationFile(file, &result, &information, sizeof information, what);
}

int try_name_as(int from_folder, const char* from, int to_folder, const char* to, bool link, bool replace) {
  const std::optional<std::wstring> wide = wide_name(to);
  if (!wide) return -1;
  if (wide->size() > 255) {
    errno = ENAMETOOLONG;
    return -1;
  }
  const Handle file = open_in(from_folder, from, link ? FILE_WRITE_ATTRIBUTES : DELETE, FILE_OPEN, 0);
  if (!file) return -1;
  const ULONG flags = replace ? kReplace : 0;
  if (!link) {
    const NTSTATUS status = set_name(file.get(), kRenameEx, flags | kAsPosix, to_folder, *wide);
    if (status >= 0) return 0;
    if (!is_unknown(status)) return fail_status(status);
  }
  const NTSTATUS status = set_name(file.get(), link ? kLink : kRename, flags, to_folder, *wide);
  return status >= 0 ? 0 : fail_status(status);
}

// Scanners and indexers open new files for a moment.
int name_as(int from_folder, const char* from, int to_folder, const char* to, bool link, bool replace) {
  constexpr int kTries = 50;
  for (int i = 1;; ++i) {
    const int done = try_name_as(from_folder, from, to_folder, to, link, replace);
    if (done == 0 || errno != EBUSY || i == kTries) return done;
    ::Sleep(20);
  }
}

}  // namespace

// --- opening -------------------------------------------------------------------------------------------------------

int open(const fs::path& path, int flags) noexcept {
  Handle handle = open_path(path, access_of(flags), 0);
  if (!handle) return -1;
  Status status;
  if ((flags & O_DIRECTORY) != 0 && status_of_handle(handle.get(), status) && status.kind != Kind::folder) {
    errno = ENOTDIR;
    return -1;
  }
  return number_of(std::move(handle));
}

int openat(int folder, const char* name, int flags, mode_t) noexcept {
  if ((flags & O_TMPFILE) != 0) {
    errno = EOPNOTSUPP;
    return -1;
  }
  const ULONG disposition = (flags & O_CREAT) == 0 ? FILE_OPEN : (flags & O_EXCL) != 0 ? FILE_CREATE : FILE_OPEN_IF;
  const ULONG kind = (flags & O_DIRECTORY) != 0 ? FILE_DIRECTORY_FILE : 0;
  Handle handle = open_in(folder, name, access_of(flags), disposition, kind);
  if (!handle) return -1;
  if (is_link(handle.get())) {
    errno = ELOOP;
    return -1;
  }
  return number_of(std::move(handle));
}

int open_beneath(int, const char*, int) noexcept {
  errno = ENOSYS;
  return -1;
}

int duplicate(int file) noexcept {
  if (handle_of(file) == INVALID_HANDLE_VALUE) {  // to the system, this is the process itself
    errno = EBADF;
    return -1;
  }
  HANDLE copy = nullptr;
  const HANDLE self = ::GetCurrentProcess();
  if (::DuplicateHandle(self, handle_of(file), self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS) == 0) return fail_now();
  return number_of(Handle(copy));
}

int close(int file) noexcept { return ::_close(file); }

int open_temporary(fs::path& name) {
  std::random_device random;
  name = fs::temp_directory_path();
  for (int i = 0; i < 100; ++i) {
    const fs::path path = name / ("ztensor-" + std::to_string(random()) + ".tmp");
    const HANDLE handle = ::CreateFileW(path.c_str(), FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE, kShared, nullptr,
                                        CREATE_NEW, FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, nullptr);
    if (handle != INVALID_HANDLE_VALUE) {
      name = path;
      return number_of(Handle(handle));
    }
    if (::GetLastError() != ERROR_FILE_EXISTS) break;
  }
  return fail_now();
}

bool is_nameable(int) noexcept { return false; }

int name_open(int, int, const char*) noexcept {
  errno = EOPNOTSUPP;
  return -1;
}

// --- looking -------------------------------------------------------------------------------------------------------

bool status_of(int file, Status& status) noexcept { return status_of_handle(handle_of(file), status); }

bool status_of(const fs::path& path, Status& status) noexcept {
  const Handle handle = open_path(path, FILE_READ_ATTRIBUTES, 0);
  return handle && status_of_handle(handle.get(), status);
}

bool link_status_of(const fs::path& path, Status& status) noexcept {
  const Handle handle = open_path(path, FILE_READ_ATTRIBUTES, FILE_FLAG_OPEN_REPARSE_POINT);
  return handle && status_of_handle(handle.get(), status);
}

bool status_at(int folder, const char* name, Status& status) noexcept {
  const Handle handle = open_in(folder, name, FILE_READ_ATTRIBUTES, FILE_OPEN, 0);
  return handle && status_of_handle(handle.get(), status);
}

// The system tells the end of all links, which is as good.
fs::path text_of_link(const fs::path& link) { return real_path(link); }

fs::path real_path(const fs::path& path) {
  const Handle handle = open_path(path, FILE_READ_ATTRIBUTES, 0);
  if (!handle) return {};
  std::wstring text(32'768, L'\0');
  const DWORD length = ::GetFinalPathNameByHandleW(handle.get(), text.data(), static_cast<DWORD>(text.size()), 0);
  if (length == 0 || length >= text.size()) {
    fail(length == 0 ? ::GetLastError() : ERROR_FILENAME_EXCED_RANGE);
    return {};
  }
  text.resize(length);
  constexpr std::wstring_view kPrefix = LR"(\\?\)";
  const bool drive = text.starts_with(kPrefix) && text.size() > 6 && text[5] == L':';
  return drive ? text.substr(kPrefix.size()) : text;
}

std::string text_of_link_at(int, const char*) { return ""; }

std::vector<std::string> names_in(int folder, std::size_t most, const std::function<bool(std::string_view)>& wanted) {
  std::vector<std::string> names;
  const Handle list = open_in(folder, ".", FILE_LIST_DIRECTORY, FILE_OPEN, FILE_DIRECTORY_FILE);
  if (!list) return names;
  alignas(FILE_FULL_DIR_INFO) std::array<std::byte, 16'384> block{};
  std::size_t searched = 0;
  while (searched < most &&
         ::GetFileInformationByHandleEx(list.get(), FileFullDirectoryInfo, block.data(), block.size()) != 0) {
    for (std::size_t offset = 0; searched < most; ++searched) {
      const auto* entry = reinterpret_cast<const FILE_FULL_DIR_INFO*>(block.data() + offset);
      std::string name = narrow_name({entry->FileName, entry->FileNameLength / sizeof(wchar_t)});
      if (wanted(name)) names.push_back(std::move(name));
      if (entry->NextEntryOffset == 0) break;
      offset += entry->NextEntryOffset;
    }
  }
  return names;
}

std::size_t longest_name(int) noexcept { return 255; }

bool may_write_in(int) noexcept { return true; }

bool may_write_at(int folder, const char* name) noexcept {
  return open_in(folder, name, FILE_WRITE_DATA, FILE_OPEN, 0) != nullptr;
}

bool is_mount_point(int, const char*) noexcept { return false; }
bool is_kept_by_others(int, const Status&) noexcept { return false; }
std::uint32_t file_system(int) noexcept { return 0; }

// --- reading and writing -------------------------------------------------------------------------------------------

ssize_t pread(int file, void* out, std::size_t length, std::int64_t offset) noexcept {
  const Position kept(handle_of(file));
  OVERLAPPED place = at(static_cast<std::uint64_t>(offset));
  DWORD done = 0;
  const auto wanted = static_cast<DWORD>(std::min<std::size_t>(length, kMost));
  if (::ReadFile(handle_of(file), out, wanted, &done, &place) != 0) return done;
  return ::GetLastError() == ERROR_HANDLE_EOF ? 0 : fail_now();
}

ssize_t write(int file, const void* bytes, std::size_t length) noexcept {
  DWORD done = 0;
  const auto wanted = static_cast<DWORD>(std::min<std::size_t>(length, kMost));
  return ::WriteFile(handle_of(file), bytes, wanted, &done, nullptr) != 0 ? static_cast<ssize_t>(done) : fail_now();
}

ssize_t pwrite(int file, const void* bytes, std::size_t length, std::int64_t offset) noexcept {
  const Position kept(handle_of(file));
  OVERLAPPED place = at(static_cast<std::uint64_t>(offset));
  DWORD done = 0;
  const auto wanted = static_cast<DWORD>(std::min<std::size_t>(length, kMost));
  return ::WriteFile(handle_of(file), bytes, wanted, &done, &place) != 0 ? static_cast<ssize_t>(done) : fail_now();
}

std::int64_t lseek(int file, std::int64_t offset, int origin) noexcept {
  LARGE_INTEGER to{};
  to.QuadPart = offset;
  LARGE_INTEGER now{};
  // SEEK_SET, SEEK_CUR and SEEK_END have the numbers of Windows.
  return ::SetFilePointerEx(handle_of(file), to, &now, static_cast<DWORD>(origin)) != 0 ? now.QuadPart : fail_now();
}

int ftruncate(int file, std::int64_t size) noexcept {
  FILE_END_OF_FILE_INFO end{};
  end.EndOfFile.QuadPart = size;
  return ::SetFileInformationByHandle(handle_of(file), FileEndOfFileInfo, &end, sizeof end) != 0 ? 0 : fail_now();
}

int fsync(int file) noexcept {
  if (::FlushFileBuffers(handle_of(file)) != 0) return 0;
  DWORD error = ::GetLastError();
  // Only who may write may flush.
  const HANDLE writable = ::ReOpenFile(handle_of(file), FILE_GENERIC_WRITE, kShared, FILE_FLAG_BACKUP_SEMANTICS);
  if (writable != INVALID_HANDLE_VALUE) {
    const Handle flushed(writable);
    if (::FlushFileBuffers(flushed.get()) != 0) return 0;
    error = ::GetLastError();
  }
  Status status;
  if (status_of(file, status) && status.kind == Kind::folder) {
    errno = EINVAL;
    return -1;
  }
  return fail(error);
}

int fdatasync(int file) noexcept { return fsync(file); }

int reserve(int, std::uint64_t, std::uint64_t) noexcept { return 0; }

// --- names and locks -----------------------------------------------------------------------------------------------

int linkat(int from_folder, const char* from, int to_folder, const char* to, int) noexcept {
  return name_as(from_folder, from, to_folder, to, true, false);
}

int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  return name_as(from_folder, from, to_folder, to, false, true);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  return name_as(from_folder, from, to_folder, to, false, (flags & RENAME_NOREPLACE) == 0);
}

int unlinkat(int folder, const char* name, int) noexcept {
  const Handle file = open_in(folder, name, DELETE, FILE_OPEN, FILE_NON_DIRECTORY_FILE);
  if (!file) return -1;
  IO_STATUS_BLOCK result{};
  ULONG flags = kReplace | kAsPosix;  // FILE_DISPOSITION_DELETE has the number of kReplace
  NTSTATUS status = NtSetInformationFile(file.get(), &result, &flags, sizeof flags, kDisposeEx);
  if (status >= 0) return 0;
  if (!is_unknown(status)) return fail_status(status);
  BOOLEAN remove = TRUE;
  status = NtSetInformationFile(file.get(), &result, &remove, sizeof remove, kDispose);
  return status >= 0 ? 0 : fail_status(status);
}

int flock(int file, int operation) noexcept {
  OVERLAPPED place = at(0x7FFF'FFFF'FFFF'FFFE);
  if ((operation & LOCK_UN) != 0) {
    return ::UnlockFileEx(handle_of(file), 0, 1, 0, &place) != 0 ? 0 : fail_now();
  }
  const DWORD flags = LOCKFILE_EXCLUSIVE_LOCK | ((operation & LOCK_NB) != 0 ? LOCKFILE_FAIL_IMMEDIATELY : 0);
  return ::LockFileEx(handle_of(file), flags, 0, 1, 0, &place) != 0 ? 0 : fail_now();
}

// --- pages ---------------------------------------------------------------------------------------------------------

void* map(int file, std::size_t length, bool shared) noexcept {
  const Handle mapping(
      ::CreateFileMappingW(handle_of(file), nullptr, shared ? PAGE_READONLY : PAGE_WRITECOPY, 0, 0, nullptr));
  if (!mapping) {
    fail_now();
    return nullptr;
  }
  void* const pages = ::MapViewOfFile(mapping.get(), shared ? FILE_MAP_READ : FILE_MAP_COPY, 0, 0, length);
  if (pages == nullptr) fail_now();
  return pages;
}

void unmap(void* pages, std::size_t) noexcept { ::UnmapViewOfFile(pages); }

// Pages that are not locked leave the working set. What was written to them stays.
void forget(void* pages, std::size_t length, bool) noexcept { ::VirtualUnlock(pages, length); }

std::int64_t process_id() noexcept { return ::GetCurrentProcessId(); }

std::size_t page_size() noexcept {
  SYSTEM_INFO system{};
  ::GetSystemInfo(&system);
  return system.dwPageSize;
}

}  // namespace zt::io::os
