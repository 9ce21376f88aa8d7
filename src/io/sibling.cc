#include "io/sibling.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "io/descriptor.h"
#include "io/system.h"

namespace zt::io {
namespace {

constexpr std::string_view kSuffix = ".tmp";
constexpr std::size_t kDigits = 16;
constexpr std::string_view kHex = "0123456789abcdef";
// A program may save every file of a folder, and each save searches the folder. So we search only part of a huge one.
constexpr std::size_t kMaxSearched = 10'000;

// ".<name>.", where <name> is cut between characters of UTF-8 if the sibling's name would be too long.
std::string prefix_of(int folder, std::string_view name) {
  constexpr std::size_t kAdded = 2 + kDigits + kSuffix.size();
  const std::size_t limit = os::longest_name(folder);
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
  const std::string prefix = prefix_of(folder, name);
  return os::names_in(folder, kMaxSearched, [&](std::string_view candidate) { return matches(prefix, candidate); });
}

bool is_regular(int folder, const std::string& name, os::Status& status) {
  return os::status_at(folder, name.c_str(), status) && status.kind == os::Kind::regular;
}

Descriptor open_sibling(int folder, const std::string& name) {
  constexpr int kFlags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW;
  // NFS grants an exclusive lock only on a descriptor that may write. A sibling of a read-only target may only be read.
  Descriptor file(retry([&] { return os::openat(folder, name.c_str(), O_RDWR | kFlags, 0); }));
  if (!file) file = Descriptor(retry([&] { return os::openat(folder, name.c_str(), O_RDONLY | kFlags, 0); }));
  return file;
}

void remove_if_stale(int folder, const std::string& name) {
  os::Status named;
  if (!is_regular(folder, name, named)) return;
  const Descriptor file = open_sibling(folder, name);
  if (!file || retry([&] { return sys::flock(file.get(), LOCK_EX | LOCK_NB); }) != 0) return;
  // The maker may have renamed the sibling before we had the lock: then the name is gone, or another file has it.
  os::Status opened;
  if (!os::status_of(file.get(), opened) || !is_regular(folder, name, named)) return;
  if (named.identity == opened.identity) sys::unlinkat(folder, name.c_str());
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
