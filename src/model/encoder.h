#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/region.h"
#include "model/catalog.h"
#include "ztensor/byte_store.h"
#include "ztensor/limits.h"

namespace zt::model {

// What tensors of one format can be. What lies outside is a loss: refused, or given up knowingly.
struct Holds {
  bool tensor_attributes = true;
  bool only_text_attributes = false;  // of the file
  bool other_layouts = true;          // than dense, sparse_csr and sparse_coo
  bool narrow_indices = false;        // sparse indices of 32 bits; otherwise they are of 64
  // Deterministic CBOR, sparse entries in order and once, bool bytes of 0 and 1, nothing beside the parts of a layout.
  bool strict = false;
};

// What becomes of the manifest of a file that grows. Everything that is not named here stays as the file has it, also
// what this build does not understand.
struct ManifestEdit {
  const Catalog* added = nullptr;                                      // new tensors; none of the names below
  std::set<std::string, std::less<>> removed;                          // tensors that go
  std::map<std::string, std::string, std::less<>> aliases;             // new name -> tensor that stays
  std::map<std::string, std::vector<std::byte>, std::less<>> changed;  // tensor -> its new attributes; empty: none
  std::optional<std::vector<std::byte>> attributes = {};               // of the file; empty: none
  std::vector<Region> free = {};                                       // of former manifests, for the next edit
};

// How one format lays out a file: head, parts one after another, manifest, footer. Pure: it makes bytes and places, and
// never touches a target.
struct Encoder {
  std::string_view format;           // "zt-1.2"
  std::string_view title;            // "1.2": how messages name the format
  const char* index_limit;           // the rule that an index over Limits::index_bytes breaks
  std::uint64_t alignment;           // of parts; a writer may be asked for more
  std::uint64_t manifest_alignment;  // 1: the manifest follows the last part directly
  bool decoded_digests;              // digests are over decoded bytes, not over stored ones
  Holds holds;
  std::vector<std::byte> (*head)();
  // The stored type ("" when the format has none) and the logical type ("" for none) of a dtype, as the format spells
  // them.
  std::string_view (*storage)(DType dtype);
  std::string_view (*logical)(DType dtype);
  std::vector<std::byte> (*manifest)(const Catalog& catalog);
  // What ends the file, right behind the manifest at `offset`.
  std::vector<std::byte> (*footer)(std::uint64_t offset, std::span<const std::byte> manifest);
  // Of a file that may grow: where its manifest lies, the CBOR item alone.
  Region (*locate)(const ByteStore& store, const Limits& limits);
  // All regions that manifests have been in, as far as the file says; `reusable`: those that hold neither this
  // version's nor the one before it, by growing length. Never throws for strange content.
  std::vector<Region> (*former)(const ByteStore& store, const Catalog& catalog, std::span<const std::byte> manifest,
                                std::vector<Region>& reusable);
  // The manifest of a file that grows, from the one it has; null where files are only written anew.
  std::vector<std::byte> (*edit)(std::span<const std::byte> manifest, const ManifestEdit& edit);
  // The same manifest with every part of this file at another offset: `place` gives it, and is asked in the order of
  // the manifest. Null where `edit` is.
  std::vector<std::byte> (*relocate)(std::span<const std::byte> manifest,
                                     const std::function<std::uint64_t(Region part)>& place);
};

// Throws limit, with the rule of the format, for an index that no reader would take.
void check_index_size(std::uint64_t bytes, const Encoder& encoder, const Limits& limits);

}  // namespace zt::model
