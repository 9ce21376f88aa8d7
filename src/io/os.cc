#include "io/os.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include <dirent.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace zt::io::os {
namespace {

static_assert(sizeof(off_t) == 8, "off_t must have 64 bits: build with _FILE_OFFSET_BITS=64");

template <class Call>
auto until_done(Call&& call) {
  while (true) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

Kind kind_of(mode_t mode) {
  return S_ISREG(mode) ? Kind::regular : S_ISDIR(mode) ? Kind::folder : S_ISLNK(mode) ? Kind::link : Kind::other;
}

bool take(int result, const struct stat& from, Status& to) {
  if (result != 0) return false;
#ifdef __APPLE__
  const timespec modified = from.st_mtimespec;
#else
  const timespec modified = from.st_mtim;
#endif
  to = {.kind = kind_of(from.st_mode),
        .identity = {static_cast<std::uint64_t>(from.st_dev), static_cast<std::uint64_t>(from.st_ino)},
        .size = static_cast<std::uint64_t>(from.st_size),
        .modified = std::int64_t{modified.tv_sec} * 1'000'000'000 + modified.tv_nsec,
        .names = static_cast<std::uint64_t>(from.st_nlink),
        .mode = static_cast<std::uint32_t>(from.st_mode & ~static_cast<mode_t>(S_IFMT)),
        .owner = from.st_uid,
        .group = from.st_gid};
  return true;
}

}  // namespace

int open(const std::filesystem::path& path, int flags) noexcept {
  return until_done([&] { return ::open(path.c_str(), flags | O_CLOEXEC); });
}

int duplicate(int file) noexcept { return ::fcntl(file, F_DUPFD_CLOEXEC, 0); }

bool status_of(int file, Status& status) noexcept {
  struct stat found {};
  return take(::fstat(file, &found), found, status);
}

bool status_of(const std::filesystem::path& path, Status& status) noexcept {
  struct stat found {};
  return take(::stat(path.c_str(), &found), found, status);
}

bool link_status_of(const std::filesystem::path& path, Status& status) noexcept {
  struct stat found {};
  return take(::lstat(path.c_str(), &found), found, status);
}

bool status_at(int folder, const char* name, Status& status) noexcept {
  struct stat found {};
  return take(::fstatat(folder, name, &found, AT_SYMLINK_NOFOLLOW), found, status);
}

std::filesystem::path text_of_link(const std::filesystem::path& link) {
  std::error_code error;
  std::filesystem::path text = std::filesystem::read_symlink(link, error);
  if (!error) return text;
  errno = error.value();
  return {};
}

std::filesystem::path real_path(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::path found = std::filesystem::canonical(path, error);
  if (!error) return found;
  errno = error.value();
  return {};
}

std::string text_of_link_at(int folder, const char* name) {
  std::array<char, 512> text{};
  const ssize_t length = ::readlinkat(folder, name, text.data(), text.size());
  if (length <= 0 || static_cast<std::size_t>(length) == text.size()) return "";
  return {text.data(), static_cast<std::size_t>(length)};
}

std::vector<std::string> names_in(int folder, std::size_t most, const std::function<bool(std::string_view)>& wanted) {
  std::vector<std::string> names;
  const int listed = until_done([&] { return ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (listed < 0) return names;
  const auto close = [](DIR* list) { ::closedir(list); };
  const std::unique_ptr<DIR, decltype(close)> list(::fdopendir(listed), close);
  if (!list) {
    ::close(listed);
    return names;
  }
  for (std::size_t searched = 0; searched < most; ++searched) {
    const dirent* const entry = ::readdir(list.get());
    if (entry == nullptr) break;
    if (wanted(entry->d_name)) names.emplace_back(entry->d_name);
  }
  return names;
}

std::size_t longest_name(int folder) noexcept {
  const long longest = ::fpathconf(folder, _PC_NAME_MAX);
  return longest > 0 ? std::min<std::size_t>(static_cast<std::size_t>(longest), 255) : 255;
}

bool may_write_in(int folder) noexcept { return ::faccessat(folder, ".", W_OK | X_OK, AT_EACCESS) == 0; }

bool may_write_at(int folder, const char* name) noexcept { return ::faccessat(folder, name, W_OK, AT_EACCESS) == 0; }

int open_temporary(std::filesystem::path& name) {
  std::string text = (std::filesystem::temp_directory_path() / "ztensor-XXXXXX").native();
  name = text;
  const int file = ::mkostemp(text.data(), O_CLOEXEC);
  if (file >= 0) ::unlink(text.c_str());
  return file;
}

void* map(int file, std::size_t length, bool shared) noexcept {
  // Without MAP_NORESERVE the system refuses a private mapping of a file larger than memory.
  void* const pages = ::mmap(nullptr, length, shared ? PROT_READ : PROT_READ | PROT_WRITE,
                             shared ? MAP_SHARED : MAP_PRIVATE | MAP_NORESERVE, file, 0);
  return pages == MAP_FAILED ? nullptr : pages;
}

void unmap(void* pages, std::size_t length) noexcept { ::munmap(pages, length); }

std::int64_t process_id() noexcept { return ::getpid(); }

std::size_t page_size() noexcept { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

}  // namespace zt::io::os
