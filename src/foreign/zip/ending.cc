#include <algorithm>
#include <string>
#include <utility>

#include "base/checked.h"
#include "base/count_text.h"
#include "foreign/zip/headers.h"
#include "ztensor/error.h"

namespace zt::foreign::zip {

void malformed(const char* rule, std::string message) { throw Error(Code::malformed, rule, std::move(message)); }

namespace {

constexpr std::uint64_t kMostTail = kEndBytes + 0xFFFF;  // the end record and the longest comment

// Where the end record begins: the only one whose comment ends where the file ends.
std::uint64_t find_end(const Tail& tail) {
  std::optional<std::size_t> found;
  const std::span<const std::byte> bytes = tail.bytes();
  for (std::size_t at = bytes.size() < kEndBytes ? 0 : bytes.size() - kEndBytes + 1; at-- > 0;) {
    if (bytes[at] != std::byte{'P'} || u32(bytes, at) != kEndMagic) continue;
    if (u16(bytes, at + 20) != bytes.size() - at - kEndBytes) continue;
    if (found) {
      malformed("zip.end.twice", "two records end the archive, at " + std::to_string(tail.offset() + at) + " and " +
                                     std::to_string(tail.offset() + *found));
    }
    found = at;
  }
  if (!found) malformed("zip.end.missing", "no record ends the archive: the file is cut short, or has bytes behind it");
  return tail.offset() + *found;
}

// The fields of an end record.
struct End {
  std::uint64_t disk, directory_disk, entries_here, entries, size, offset;
};

End parse_end(std::span<const std::byte> record) {
  return {u16(record, 4), u16(record, 6), u16(record, 8), u16(record, 10), u32(record, 12), u32(record, 16)};
}

End parse_end64(std::span<const std::byte> record) {
  return {u32(record, 16), u32(record, 20), u64(record, 24), u64(record, 32), u64(record, 40), u64(record, 48)};
}

// Each field of the plain record is all ones, or has the value of the ZIP64 record.
void check_equal(const End& plain, const End& wide) {
  const auto same = [](std::uint64_t field, std::uint64_t full, std::uint64_t value) {
    return field == full || field == value;
  };
  const bool good = same(plain.disk, kFull16, wide.disk) && same(plain.directory_disk, kFull16, wide.directory_disk) &&
                    same(plain.entries_here, kFull16, wide.entries_here) &&
                    same(plain.entries, kFull16, wide.entries) && same(plain.size, kFull32, wide.size) &&
                    same(plain.offset, kFull32, wide.offset);
  if (!good) malformed("zip.end64.fields", "the end record and the ZIP64 end record have different values");
}

// Where the ZIP64 end record begins, if the archive has one. Its locator lies right before the end record.
std::optional<std::uint64_t> find_end64(const Tail& tail, std::uint64_t end_at) {
  if (end_at < kLocatorBytes) return std::nullopt;
  const std::uint64_t locator_at = end_at - kLocatorBytes;
  const std::vector<std::byte> locator = tail.read({locator_at, kLocatorBytes});
  if (u32(locator, 0) != kLocatorMagic) return std::nullopt;
  if (u32(locator, 4) != 0 || u32(locator, 16) > 1) {
    throw Error(Code::unsupported, "zip.end.disks", "the archive is one of several disks: join them first");
  }
  const std::uint64_t at = u64(locator, 8);
  if (!checked::within(at, kEnd64Bytes, locator_at) || at + kEnd64Bytes != locator_at) {
    malformed("zip.end64.place", "the ZIP64 end record is said to begin at " + std::to_string(at) +
                                     ", but it must end where its locator begins, at " + std::to_string(locator_at));
  }
  return at;
}

}  // namespace

Tail::Tail(const ByteStore& store)
    : store_(store),
      offset_(store.size() - std::min(store.size(), kMostTail)),
      bytes_(static_cast<std::size_t>(store.size() - offset_)) {
  store.read_at(offset_, bytes_);
}

std::vector<std::byte> Tail::read(Region region) const {
  std::vector<std::byte> bytes(static_cast<std::size_t>(region.length));
  if (region.offset >= offset_ && checked::within(region.offset - offset_, region.length, bytes_.size())) {
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(region.offset - offset_), bytes.size(), bytes.begin());
  } else {
    store_.read_at(region.offset, bytes);
  }
  return bytes;
}

Ending read_ending(const Tail& tail) {
  std::uint64_t end_at = find_end(tail);
  End end = parse_end(tail.read({end_at, kEndBytes}));
  if (const auto at = find_end64(tail, end_at)) {
    const std::vector<std::byte> record = tail.read({*at, kEnd64Bytes});
    if (u32(record, 0) != kEnd64Magic || u64(record, 4) != kEnd64Bytes - 12) {
      malformed("zip.end64.form", "no ZIP64 end record of 56 bytes lies at " + std::to_string(*at));
    }
    const End wide = parse_end64(record);
    check_equal(end, wide);
    end = wide;
    end_at = *at;
  }
  if (end.disk != 0 || end.directory_disk != 0 || end.entries_here != end.entries) {
    throw Error(Code::unsupported, "zip.end.disks", "the archive is one of several disks: join them first");
  }
  if (!checked::within(end.offset, end.size, end_at) || end.offset + end.size != end_at) {
    malformed("zip.directory.place", "offset " + std::to_string(end.offset) + " + size " + std::to_string(end.size) +
                                         " of the directory does not lead to its end record at " +
                                         std::to_string(end_at));
  }
  if (end.entries > end.size / kCentralBytes) {
    malformed("zip.directory.count", count_text(end.entries, "entry does", "entries do") + " not fit a directory of " +
                                         count_text(end.size, "byte"));
  }
  return {.directory = {end.offset, end.size}, .entries = end.entries};
}

}  // namespace zt::foreign::zip
