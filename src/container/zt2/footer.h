#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "ztensor/byte_store.h"
#include "ztensor/limits.h"

// The two ends of a file of generation 2 (spec/zt-2.md §2).
namespace zt::container::zt2 {

inline constexpr std::string_view kMagic = "\x89ZT2\r\n\x1a\n";
inline constexpr std::uint64_t kHeaderBytes = 8;
inline constexpr std::uint64_t kFooterBytes = 40;
inline constexpr std::uint64_t kLeastFileBytes = kHeaderBytes + kFooterBytes;
inline constexpr std::uint64_t kLeastAlignment = 4096;       // of blobs and manifests; also their least offset
inline constexpr std::uint64_t kCanonicalAlignment = 65536;  // of blobs in the canonical form
inline constexpr std::uint64_t kMaxManifestBytes = std::uint64_t{1} << 30;
inline constexpr std::uint32_t kVersion = 2;

struct Footer {
  std::uint64_t manifest_offset = 0;
  std::uint64_t manifest_length = 0;  // 0: a data shard
  std::uint64_t manifest_hash = 0;    // XXH3 of its bytes
  std::uint32_t version = kVersion;
  std::uint32_t reserved = 0;
  bool is_data_shard() const { return manifest_length == 0; }
  friend bool operator==(const Footer&, const Footer&) = default;
};

// Empty if the magic is not at the end. check_footer() checks the fields.
std::optional<Footer> parse_footer(std::span<const std::byte, kFooterBytes> bytes);
std::array<std::byte, kFooterBytes> encode_footer(const Footer& footer);
// Throws malformed "zt2.*" if the footer cannot end a file of this size; limit if the manifest is too long.
void check_footer(const Footer& footer, std::uint64_t file_size, const Limits& limits);

// The end of a file: its footer, and a private copy of its manifest, not yet parsed.
struct Ending {
  std::uint64_t file_size = 0;
  Footer footer;
  std::vector<std::byte> manifest;
};
// Reads both ends of a file and its manifest, and checks the hash of the manifest. Throws malformed, mismatch, limit,
// io.
Ending read_ending(const ByteStore& store, const Limits& limits);

}  // namespace zt::container::zt2
