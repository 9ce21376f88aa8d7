#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/endian.h"
#include "base/region.h"
#include "foreign/zip/directory.h"

// The records of an archive, for Directory.
namespace zt::foreign::zip {

inline constexpr std::uint32_t kLocalMagic = 0x04034B50, kCentralMagic = 0x02014B50, kEndMagic = 0x06054B50,
                               kEnd64Magic = 0x06064B50, kLocatorMagic = 0x07064B50, kDescriptorMagic = 0x08074B50;
inline constexpr std::size_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22, kEnd64Bytes = 56, kLocatorBytes = 20;
inline constexpr std::uint16_t kFull16 = 0xFFFF;      // "see the ZIP64 field"
inline constexpr std::uint32_t kFull32 = 0xFFFFFFFF;  // the same

inline std::uint16_t u16(std::span<const std::byte> record, std::size_t at) {
  return endian::load_le<std::uint16_t>(record.subspan(at, 2).data());
}
inline std::uint32_t u32(std::span<const std::byte> record, std::size_t at) {
  return endian::load_le<std::uint32_t>(record.subspan(at, 4).data());
}
inline std::uint64_t u64(std::span<const std::byte> record, std::size_t at) {
  return endian::load_le<std::uint64_t>(record.subspan(at, 8).data());
}

[[noreturn]] void malformed(const char* rule, std::string message);

// The end of a file that may be an archive: it has the end records, and mostly the whole directory. It is read once.
class Tail {
 public:
  explicit Tail(const ByteStore& store);
  std::uint64_t offset() const { return offset_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  // Any bytes of the file. Those before the tail are read from the store.
  std::vector<std::byte> read(Region region) const;

 private:
  const ByteStore& store_;
  std::uint64_t offset_;
  std::vector<std::byte> bytes_;
};

// Where the directory lies, and how many files it has.
struct Ending {
  Region directory;  // within the archive
  std::uint64_t entries = 0;
};
Ending read_ending(const Tail& tail);

// A file as the directory has it: with the place of its head, before the place of its content is known.
struct Entry {
  Member member;
  std::uint64_t head = 0;
  std::span<const std::byte> raw_name;  // with the '/' of a folder
  bool is_folder = false;
};
// The entries of a directory, whose bytes must outlive them. Checks all that needs no other bytes.
std::vector<Entry> read_entries(std::span<const std::byte> directory, std::uint64_t count);

// Reads the head of each file, compares it with its entry, and states where the content lies. Checks that heads and
// contents fill the archive up to `end`, where the directory begins.
void place_entries(const ByteStore& store, std::uint64_t end, std::vector<Entry>& entries);

// The body of the ZIP64 block in the extra field of a head; empty: it has none.
std::span<const std::byte> find_zip64(std::span<const std::byte> extra);

}  // namespace zt::foreign::zip
