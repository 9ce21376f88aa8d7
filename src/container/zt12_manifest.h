#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wire/cbor.h"
#include "ztensor/limits.h"

// The schema of a 1.1 or 1.2 manifest: its own words, not yet held against the file (spec/zt-1.2.md §3).
namespace zt::container::zt12 {

inline constexpr std::string_view kMagic = "ZTEN1000";

struct RootFields {
  std::string version;
  std::span<const std::byte> attributes;  // one CBOR map, or nothing
  std::span<const std::byte> objects;     // one CBOR map
};

struct ObjectFields {
  std::vector<std::uint64_t> shape;
  std::string layout;                     // "format" in the file
  std::span<const std::byte> attributes;  // one CBOR map, or nothing
  std::span<const std::byte> components;  // one CBOR map, or nothing
};

struct PartFields {
  std::string dtype, type, digest;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::optional<std::uint64_t> decoded_length;  // "uncompressed_length"
  bool zstd = false;
};

// Each reads one item and throws malformed or unsupported "zt12.*"; unknown keys are passed over. On a throw `out`
// holds what was read before. Spans are of the input.
RootFields read_root(std::span<const std::byte> manifest, const Limits& limits);
void read_object(std::span<const std::byte> item, const Limits& limits, ObjectFields& out);
void read_part(std::span<const std::byte> item, PartFields& out);
// The next key of a map, as text; valid until the cursor moves. Throws malformed "zt12.key".
std::string_view read_key(wire::CborCursor& cursor);
// Throws malformed when zstd cannot turn `stored` bytes into `decoded`.
void check_ratio(std::uint64_t decoded, std::uint64_t stored);

}  // namespace zt::container::zt12
