#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/region.h"
#include "container/shared/manifest_fields.h"
#include "wire/cbor.h"
#include "ztensor/encoding.h"
#include "ztensor/error.h"
#include "ztensor/limits.h"
#include "ztensor/macros.h"

// The schema of a 1.1 or 1.2 manifest, in the words of the file and not yet checked against it (spec/zt-1.2.md §3).
namespace zt::container::zt12 {

inline constexpr std::string_view kMagic = "ZTEN1000";

struct PartFields {
  std::string role, dtype, type, digest;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::optional<std::uint64_t> decoded_length;  // "uncompressed_length"
  Codec codec = Codec::raw;
  std::optional<Error> fault;  // why the other fields could not be read

  // Starts a new part, but keeps its memory.
  void reset(std::string_view new_role) {
    role = new_role;
    for (std::string* text : {&dtype, &type, &digest}) text->clear();
    offset = length = 0;
    decoded_length.reset();
    codec = Codec::raw;
    fault.reset();
  }
};

struct ObjectFields {
  std::vector<std::uint64_t> shape;
  std::string layout;                     // "format" in the file
  std::span<const std::byte> attributes;  // one CBOR map, or nothing
  std::span<const PartFields> parts;
  std::optional<Error> fault;  // why the other fields could not be read
};

using Named = std::function<void(std::string_view name)>;

struct RootFields {
  std::string version;
  std::span<const std::byte> attributes;  // one CBOR map, or nothing
  Region objects;                         // the place of the map of tensors in the manifest
  std::uint64_t length = 0;               // of the item; bytes may follow it
};

// Walks a manifest once, from front to back. The spans that it gives borrow from the manifest.
class ManifestCursor {
 public:
  ManifestCursor(std::span<const std::byte> manifest ZT_LIFETIME_BOUND, const Limits& limits);

  // Calls `expect`, then, for each entry, `named` before it is read, and `object`, in the order of the file. A broken
  // rule inside an entry or a part is its fault. Throws malformed or limit "zt12.*", "cbor.*" if the manifest itself is
  // broken. Ignores unknown keys, and bytes after the item, which appends leave.
  RootFields walk(const Expect& expect, const Named& named,
                  const std::function<void(std::string_view name, const ObjectFields& object)>& object);

 private:
  void walk_objects(const Field& field, const Expect& expect, const Named& named,
                    const std::function<void(std::string_view, const ObjectFields&)>& object);
  std::size_t read_plain_object(std::span<const std::byte> bytes, ObjectFields& out);
  void read_object(ObjectFields& out);
  void read_parts(const Field& field, std::span<const PartFields>& parts);
  static void read_part(wire::CborCursor& cursor, PartFields& out);

  const Limits& limits_;
  wire::CborCursor root_, object_, part_;  // one for each level: after a fault, the outer cursor goes on
  ObjectFields fields_;                    // reused, so that a file of many tensors allocates little
  std::vector<PartFields> parts_;          // likewise: fields_ views the first of them
};

}  // namespace zt::container::zt12
