#include "io/sibling.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include <dirent.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "io/descriptor.h"
#include "io/system.h"

namespace zt::io {
namespace {

constexpr std::string_view kSuffix = ".tmp";
constexpr std::size_t kDigits = 16;
constexpr std::string_view kHex = "0123456789abcdef";
// A program may save every file of a folder, and each save searches the folder. So we search only part of a huge one.
constexpr int kMaxSearched = 10'000;

// ".<name>.", where <name> is cut between characters of UTF-8 if the sibling's name would be too long.
std::string prefix_of(int folder, std::string_view name) {
  constexpr std::size_t kAdded = 2 + kDigits + kSuffix.size();
  const long longest = ::fpathconf(folder, _PC_NAME_MAX);
  const std::size_t limit = longest > 0 ? std::min<std::size_t>(static_cast<std::size_t>(longest), 255) : 255;
  const std::size_t room = limit > kAdded ? limit - kAdded : 0;
  std::size_t length = std::min(name.size(), room);
  const auto continues = [&](std::size_t at) { return (static_cast<unsigned char>(name[at]) & 0xC0) == 0x80; };
  while (length > 0 && length < name.size() && continues(length)) --length;
  return "." + std::string(name.substr(0, length)) + ".";
}

bool matches(std::string_view prefix, std::string_view candidate) {
  if (candidate.size() != prefix.size() + kDigits + kSuffix.size()) return false;
  if (!candidate.starts_with(prefix) || !candidate.ends_with(kSuffix)) return false;
  const std::string_view digits = candidate.substr(prefix.size(), kDigits);
  return digits.find_first_not_of(kHex) == std::string_view::npos;
}

std::vector<std::string> find_siblings(int folder, std::string_view name) {
  std::vector<std::string> found;
  Descriptor listed(retry([&] { return ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!listed) return found;
  const auto close = [](DIR* list) { ::closedir(list); };
  const std::unique_ptr<DIR, decltype(close)> list(::fdopendir(listed.get()), close);
  if (!list) return found;
  listed.release();
  const std::string prefix = prefix_of(folder, name);
  for (int searched = 0; searched < kMaxSearched; ++searched) {
    const dirent* const entry = ::readdir(list.get());
    if (entry == nullptr) break;
    if (matches(prefix, entry->d_name)) found.emplace_back(entry->d_name);
  }
  return found;
}

bool is_regular(int folder, const std::string& name, struct stat& status) {
  return ::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode);
}

Descriptor open_sibling(int folder, const std::string& name) {
  constexpr int kFlags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW;
  // NFS grants an exclusive lock only on a descriptor that may write. A sibling of a read-only target may only be read.
  Descriptor file(retry([&] { return ::openat(folder, name.c_str(), O_RDWR | kFlags); }));
  if (!file) file = Descriptor(retry([&] { return ::openat(folder, name.c_str(), O_RDONLY | kFlags); }));
  return file;
}

void remove_if_stale(int folder, const std::string& name) {
  struct stat named {};
  if (!is_regular(folder, name, named)) return;
  const Descriptor file = open_sibling(folder, name);
  if (!file || retry([&] { return sys::flock(file.get(), LOCK_EX | LOCK_NB); }) != 0) return;
  // The maker may have renamed the sibling before we had the lock: then the name is gone, or another file has it.
  struct stat opened {};
  if (::fstat(file.get(), &opened) != 0 || !is_regular(folder, name, named)) return;
  if (named.st_dev == opened.st_dev && named.st_ino == opened.st_ino) sys::unlinkat(folder, name.c_str(), 0);
}

}  // namespace

std::string sibling_name(int folder, std::string_view name) {
  std::random_device random;
  std::string digits;
  for (std::size_t i = 0; i < kDigits; ++i) digits += kHex[random() % kHex.size()];
  return prefix_of(folder, name) + digits + std::string(kSuffix);
}

bool lock_sibling(int file) noexcept {
  return retry([&] { return sys::flock(file, LOCK_EX | LOCK_NB); }) == 0 || errno != EWOULDBLOCK;
}

void unlock_sibling(int file) noexcept { sys::flock(file, LOCK_UN); }

void remove_stale_siblings(int folder, std::string_view name) {
  for (const std::string& sibling : find_siblings(folder, name)) remove_if_stale(folder, sibling);
}

}  // namespace zt::io
