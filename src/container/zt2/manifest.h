#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/region.h"
#include "wire/cbor.h"
#include "ztensor/limits.h"
#include "ztensor/macros.h"

// The schema of a manifest of generation 2, in the words of the file and not yet checked against it (spec/zt-2.md §3,
// §4). Texts are views of the manifest: deterministic CBOR has no strings in chunks.
namespace zt::container::zt2 {

inline constexpr std::uint32_t kDepth = 33;  // levels 0, the root, to 32. zt-2 §3

struct ShardFields {
  std::string_view name, digest;
  std::uint64_t size = 0;
};

struct PartFields {
  std::string_view role, dtype, digest;
  std::optional<std::string_view> type, shard, encoding;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::uint64_t decoded_length = 0;  // `length` if there is no encoding
};

struct ObjectFields {
  std::vector<std::uint64_t> shape;
  std::string_view layout;
  std::span<const std::byte> attributes;  // one CBOR map, or nothing
  std::vector<PartFields> parts;          // at least one
};

struct RootFields {
  std::span<const std::byte> attributes;  // one CBOR map, or nothing
  Region objects;                         // the place of the map of objects in the manifest
};

// The walk calls these functions in the order of the file, shards before objects. It calls `expect` with the number of
// objects before the first object.
struct Visitor {
  std::function<void(const ShardFields&)> shard;
  std::function<void(std::uint64_t objects)> expect;
  std::function<void(std::string_view name)> named;  // before the entry is read
  std::function<void(std::string_view name, const ObjectFields&)> object;
};

// Walks a manifest from front to back. Throws malformed or limit "zt2.*", "cbor.*": every fault here refuses the file.
class ManifestCursor {
 public:
  ManifestCursor(std::span<const std::byte> manifest ZT_LIFETIME_BOUND, const Limits& limits);
  // Ignores unknown keys. Call it once.
  RootFields walk(const Visitor& visitor);

 private:
  RootFields walk_root(const Visitor& visitor);
  void walk_shards(const Visitor& visitor);
  void read_shard(ShardFields& out);
  void walk_objects(const Visitor& visitor);
  bool read_plain_object(ObjectFields& out);
  void read_object(ObjectFields& out);
  void read_shape(std::vector<std::uint64_t>& shape);
  void read_parts(std::vector<PartFields>& parts);
  void read_part(PartFields& out);
  void read_blob(PartFields& out);
  std::span<const std::byte> read_attributes(const char* rule);

  std::span<const std::byte> manifest_;
  const Limits& limits_;
  wire::CborCursor cursor_;
  ObjectFields fields_;  // reused, so that a file of many tensors allocates little
};

}  // namespace zt::container::zt2
