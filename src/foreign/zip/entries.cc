#include <algorithm>
#include <string>

#include "base/checked.h"
#include "base/utf8.h"
#include "foreign/zip/headers.h"
#include "ztensor/error.h"

namespace zt::foreign::zip {
namespace {

constexpr std::size_t kMostName = 1024;
constexpr std::uint16_t kUtf8 = 1 << 11;
constexpr std::uint16_t kKnownFlags = 1 << 1 | 1 << 2 | 1 << 3 | kUtf8;
constexpr std::uint64_t kDeflateRatio = 1032;  // the most that a stored byte of deflate can give
constexpr std::uint8_t kMadeByUnix = 3;

[[noreturn]] void refuse_path(std::string_view name) {
  throw Error(Code::refused, "zip.name.path",
              "the name " + in_quotes(name) + " leads out of the archive: make the archive anew with other names");
}

bool has_parent(std::string_view name) {
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find('/', at), name.size());
    if (name.substr(at, end - at) == "..") return true;
    at = end + 1;
  }
  return false;
}

void check_name(std::string_view name, std::uint16_t flags) {
  if (name.empty()) malformed("zip.name.empty", "the name of a file is empty");
  if (name.size() > kMostName) {
    malformed("zip.name.length",
              "the name " + in_quotes(name) + " has " + std::to_string(name.size()) + " bytes: at most 1024 are read");
  }
  if (name.find('\0') != std::string_view::npos) malformed("zip.name.nul", in_quotes(name) + " contains U+0000");
  const bool ascii = std::ranges::all_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (!ascii && ((flags & kUtf8) == 0 || !is_utf8(name))) {
    malformed("zip.name.encoding", "the name " + in_quotes(name) + " is not marked as UTF-8, or is not UTF-8");
  }
  const bool drive = name.size() >= 3 && name[1] == ':' && name[2] == '/';
  if (name.front() == '/' || drive || name.find('\\') != std::string_view::npos || has_parent(name)) refuse_path(name);
}

Obstacle obstacle_of(const Member& member, std::span<const std::byte> head) {
  const bool made_by_unix = std::to_integer<std::uint8_t>(head[5]) == kMadeByUnix;
  const std::uint32_t mode = u32(head, 38) >> 16;
  if ((member.flags & ~kKnownFlags) != 0) return Obstacle::flags;
  if (member.method != kStored && member.method != kDeflated) return Obstacle::method;
  if (made_by_unix && (mode & 0170000U) == 0120000U) return Obstacle::link;
  if (member.method == kStored) return Obstacle::none;
  const auto most = checked::multiply(member.stored_length, kDeflateRatio);
  return most && member.length > checked::add_up(64, *most) ? Obstacle::ratio : Obstacle::none;
}

// Reads entry after entry from the bytes of a directory.
class EntryCursor {
 public:
  explicit EntryCursor(std::span<const std::byte> directory) : rest_(directory) {}

  bool at_end() const { return rest_.empty(); }

  Entry next() {
    if (rest_.size() < kCentralBytes || u32(rest_, 0) != kCentralMagic) {
      malformed("zip.entry.form", "an entry of the directory is missing, or does not begin like an entry");
    }
    const auto head = rest_.first(kCentralBytes);
    const std::size_t name = u16(head, 28), extra = u16(head, 30), comment = u16(head, 32);
    if (name + extra + comment > rest_.size() - kCentralBytes) {
      malformed("zip.entry.bounds", "an entry runs past the end of the directory");
    }
    const auto name_bytes = rest_.subspan(kCentralBytes, name);
    const auto extra_bytes = rest_.subspan(kCentralBytes + name, extra);
    rest_ = rest_.subspan(kCentralBytes + name + extra + comment);
    return parse(head, name_bytes, extra_bytes);
  }

 private:
  static Entry parse(std::span<const std::byte> head, std::span<const std::byte> name,
                     std::span<const std::byte> extra) {
    Entry entry;
    Member& member = entry.member;
    entry.raw_name = name;
    member.name = as_text(name);
    member.flags = u16(head, 8);
    member.method = u16(head, 10);
    member.crc = u32(head, 16);
    check_name(member.name, member.flags);
    try {
      read_sizes(head, extra, entry);
    } catch (Error& error) {
      error.enter("entry " + in_quotes(member.name));
      throw;
    }
    entry.is_folder = member.name.ends_with('/');
    if (entry.is_folder && member.length != 0) {
      malformed("zip.name.folder", "the folder " + in_quotes(member.name) + " has content");
    }
    if (member.method == kStored && (member.flags & 1U) == 0 && member.stored_length != member.length) {
      malformed("zip.entry.stored", in_quotes(member.name) + " is stored as it is, and its two lengths differ");
    }
    member.obstacle = obstacle_of(member, head);
    return entry;
  }

  // The ZIP64 block has, in this order, the fields that are all ones in the head, and no others.
  static void read_sizes(std::span<const std::byte> head, std::span<const std::byte> extra, Entry& entry) {
    std::span<const std::byte> wide = find_zip64(extra);
    const auto widen = [&](std::uint64_t field, std::uint64_t full, std::size_t bytes) -> std::uint64_t {
      if (field != full) return field;
      if (wide.size() < bytes) malformed("zip.entry.zip64", "the ZIP64 block is missing or too short");
      const std::uint64_t value = bytes == 8 ? u64(wide, 0) : u32(wide, 0);
      wide = wide.subspan(bytes);
      return value;
    };
    entry.member.length = widen(u32(head, 24), kFull32, 8);
    entry.member.stored_length = widen(u32(head, 20), kFull32, 8);
    entry.head = widen(u32(head, 42), kFull32, 8);
    const std::uint64_t disk = widen(u16(head, 34), kFull16, 4);
    if (!wide.empty()) malformed("zip.entry.zip64", "the ZIP64 block has a value that the entry has too");
    if (disk != 0) malformed("zip.entry.disk", "the entry is on disk " + std::to_string(disk));
  }

  std::span<const std::byte> rest_;
};

}  // namespace

std::span<const std::byte> find_zip64(std::span<const std::byte> extra) {
  constexpr std::uint16_t kZip64 = 1;
  std::span<const std::byte> found;
  while (!extra.empty()) {
    const std::size_t length = extra.size() < 4 ? 0 : u16(extra, 2);
    if (extra.size() < 4 + length) malformed("zip.extra.form", "the blocks of an extra field do not fill it");
    if (u16(extra, 0) == kZip64) {
      if (!found.empty() || length == 0) malformed("zip.extra.zip64", "a ZIP64 block is empty, or there are two");
      found = extra.subspan(4, length);
    }
    extra = extra.subspan(4 + length);
  }
  return found;
}

std::vector<Entry> read_entries(std::span<const std::byte> directory, std::uint64_t count) {
  std::vector<Entry> entries;
  entries.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(count, directory.size() / kCentralBytes)));
  EntryCursor cursor(directory);
  while (entries.size() < count) entries.push_back(cursor.next());
  if (!cursor.at_end()) {
    malformed("zip.directory.count",
              "the directory has more than the " + std::to_string(count) + " entries that its end record states");
  }
  return entries;
}

}  // namespace zt::foreign::zip
