#include "io/os.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <random>
#include <string_view>
#include <utility>

#include <io.h>
#include <windows.h>
#include <winternl.h>

#include "io/handles_windows.h"
#include "ztensor/paths.h"

namespace zt::io::os {
namespace {

namespace fs = std::filesystem;

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
      std::string name = utf8_of(std::wstring(entry->FileName, entry->FileNameLength / sizeof(wchar_t)));
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
