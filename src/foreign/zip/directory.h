#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "model/catalog.h"
#include "ztensor/byte_store.h"
#include "ztensor/limits.h"

// ZIP archives (docs/formats/zip.md). Two readers of an archive must see the same files. So all that an archive says
// twice must agree, and nothing may lie between the files or around them.
namespace zt::foreign::zip {

inline constexpr std::uint16_t kStored = 0, kDeflated = 8;  // methods

// Why a member cannot be read, although the archive can.
enum class Obstacle : std::uint8_t { none, flags, method, link, ratio };

// One file of an archive.
struct Member {
  std::string_view name;            // borrowed from the Directory
  std::uint64_t offset = 0;         // of its stored bytes in the archive
  std::uint64_t stored_length = 0;  // the bytes lie within the archive
  std::uint64_t length = 0;         // decoded
  std::uint32_t crc = 0;            // CRC-32 of the decoded bytes, as the archive states it
  std::uint16_t flags = 0;
  std::uint16_t method = kStored;
  Obstacle obstacle = Obstacle::none;
};

// The reason of an obstacle, as a Catalog lists it. The member must have one.
model::Fault fault_of(const Member& member);

// The files of an archive, in the order of its directory. Folders are left out.
class Directory {
 public:
  // Reads the directory and the head of each file, and checks them. It reads no content of a file, except the gaps
  // between requests that it joins. Throws malformed, unsupported, refused (names that are paths), limit; io.
  Directory(const ByteStore& store, const Limits& limits);
  Directory(Directory&&) = default;
  Directory& operator=(Directory&&) = default;
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() = default;

  std::span<const Member> members() const { return members_; }
  const Member* find(std::string_view name) const;  // null: there is none

 private:
  std::vector<std::byte> bytes_;  // the directory, which has the names
  std::vector<Member> members_;
  std::vector<std::uint32_t> by_name_;  // indices of members_, sorted by name
};

// What an archive holds, judged by the names in its directory.
enum class Kind : std::uint8_t {
  none,    // the file does not begin like an archive
  empty,   // an archive without files
  broken,  // it begins like an archive, and its directory cannot be read
  torch,   // a file `data.pkl` in a folder
  npz,     // no such file, and a file `*.npy`
  other,
};
// Whether the store begins like an archive. Throws io.
bool starts_archive(const ByteStore& store);
// Looks at the names only: a Directory may still refuse the archive. Throws io.
Kind kind_of(const ByteStore& store);

}  // namespace zt::foreign::zip
