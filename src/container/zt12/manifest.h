#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "container/shared/manifest_fields.h"
#include "wire/cbor.h"
#include "ztensor/encoding.h"
#include "ztensor/error.h"
#include "ztensor/limits.h"
#include "ztensor/macros.h"

// The schema of a 1.1 or 1.2 manifest: its own words, not yet held against the file (spec/zt-1.2.md §3).
namespace zt::container::zt12 {

inline constexpr std::string_view kMagic = "ZTEN1000";

struct PartFields {
  std::string role, dtype, type, digest;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::optional<std::uint64_t> decoded_length;  // "uncompressed_length"
  Codec codec = Codec::raw;
  std::optional<Error> fault;  // why the rest of it could not be read
};

struct ObjectFields {
  std::vector<std::uint64_t> shape;
  std::string layout;                     // "format" in the file
  std::span<const std::byte> attributes;  // one CBOR map, or nothing
  std::vector<PartFields> parts;
  std::optional<Error> fault;  // why the rest of it could not be read
};

struct RootFields {
  std::string version;
  std::span<const std::byte> attributes;  // one CBOR map, or nothing
};

// Walks a manifest once, from front to back. Spans that it hands out are of its bytes.
class ManifestCursor {
 public:
  ManifestCursor(std::span<const std::byte> manifest ZT_LIFETIME_BOUND, const Limits& limits);

  // Calls `expect`, then `object` with each entry, in the order of the file; what is wrong within an entry or a part is
  // its fault. Throws malformed or limit "zt12.*", "cbor.*" for what is wrong with the manifest. Unknown keys are
  // passed over, bytes after the item too: appends leave some.
  RootFields walk(const Expect& expect,
                  const std::function<void(std::string_view name, const ObjectFields& object)>& object);

 private:
  void walk_objects(const Field& field, const Expect& expect,
                    const std::function<void(std::string_view, const ObjectFields&)>& object);
  void read_object(ObjectFields& out);
  void read_parts(const Field& field, std::vector<PartFields>& parts);
  static void read_part(wire::CborCursor& cursor, PartFields& out);

  const Limits& limits_;
  wire::CborCursor root_, object_, part_;  // an item is read by a cursor of its own, so that a fault ends there
  ObjectFields fields_;                    // reused, so that a file of many tensors allocates little
};

}  // namespace zt::container::zt12
