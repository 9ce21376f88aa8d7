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

// The schema of a 1.0 manifest, in the words of the file and not yet checked against it (spec/zt-1.0.md §3).
namespace zt::container::zt10 {

inline constexpr std::string_view kMagic = "ZTEN1000";

// Whether a part holds u64 indices, whatever the dtype of the tensor is.
inline bool is_index(std::string_view role) { return role == "indices" || role == "indptr" || role == "coords"; }

struct PartFields {
  std::string role, digest;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  Codec codec = Codec::raw;
  std::optional<Error> fault;  // why the other fields could not be read
};

struct TensorFields {
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::string layout;  // "format" in the file
  std::vector<PartFields> parts;
  std::optional<Error> fault;  // why the other fields could not be read
};

// Walks a manifest once, from front to back.
class ManifestCursor {
 public:
  ManifestCursor(std::span<const std::byte> manifest ZT_LIFETIME_BOUND, const Limits& limits);

  // Calls `expect`, then `tensor` with each entry, in the order of the file. A broken rule inside an entry or a part is
  // its fault. Returns the attributes of the file: one CBOR map in the manifest's bytes, or nothing. Throws malformed
  // or limit "zt10.*", "cbor.*" if the manifest itself is broken.
  std::span<const std::byte> walk(const Expect& expect,
                                  const std::function<void(std::string_view name, const TensorFields& tensor)>& tensor);

 private:
  void walk_tensors(const Field& field, const Expect& expect,
                    const std::function<void(std::string_view, const TensorFields&)>& tensor);
  void read_tensor(TensorFields& out);
  void read_parts(const Field& field, std::vector<PartFields>& parts);
  static void read_part(wire::CborCursor& cursor, PartFields& out);

  const Limits& limits_;
  wire::CborCursor root_, tensor_, part_;  // one for each level: after a fault, the outer cursor goes on
  TensorFields fields_;                    // reused, so that a file of many tensors allocates little
};

}  // namespace zt::container::zt10
