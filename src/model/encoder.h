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
#include "ztensor/encoding.h"
#include "ztensor/limits.h"

namespace zt::model {

// What the digests of parts are over.
enum class Digests : std::uint8_t {
  none,     // the format has none
  stored,   // the stored bytes: crc32c, unless another is asked for
  decoded,  // the decoded bytes: xxh3, unless another is asked for
};

// Where the data of a model goes that is to lie in several files.
enum class ShardForm : std::uint8_t {
  none,     // the format has no shards
  rooted,   // files of bytes, which a root file of the format names (generation 2)
  indexed,  // whole files, which an index in JSON names (safetensors)
};

// What files of one format can be, and what their readers insist on. What a tensor has beyond it is a loss: refused,
// or given up knowingly.
struct Holds {
  // Attributes.
  bool tensor_attributes = true;
  bool only_text_attributes = false;      // of the file
  bool own_attributes = true;             // "ztensor.*", which the library notes for itself; else they are left out
  bool deterministic_attributes = false;  // one form of CBOR: no tags, sorted keys, which are names
  std::uint32_t index_depth = 0;          // how deep the index may nest, whatever Limits say; 0: as they say

  // Layouts and roles.
  bool other_layouts = true;            // than dense, sparse_csr and sparse_coo
  bool sparse_layouts = true;           // sparse_csr and sparse_coo
  bool only_known_parts = false;        // nothing beside the parts of a layout that the format defines
  bool named_roles = false;             // layouts and roles follow the rules of names, and no object is empty
  bool checked_profiles = false;        // quantized layouts are held to their rules
  std::string_view layout_prefix = {};  // of layouts that the file would mean another by; "": none
  std::string_view taken_name = {};     // what no tensor may be named; "": nothing

  // Contents.
  bool narrow_indices = false;  // sparse indices of 32 bits; otherwise they are of 64
  bool sorted_sparse = false;   // sparse entries in order, no cell twice
  bool bounded_shapes = false;  // the product of a shape fits 64 bits, also where a later dimension is 0
  bool whole_bytes = false;     // elements of less than a byte fill bytes

  // Parts.
  bool only_seekable_parts = false;  // compressed parts are frames and their seek table, and nothing else
  bool sorted_parts = false;         // those of a tensor lie in the order of their roles
  bool shared_parts = true;          // tensors may name the same bytes
  bool equal_parts_once = false;     // raw parts of the same bytes are stored once
  Digests digests = Digests::stored;
  bool sha256 = true;  // digests may be
  ShardForm shards = ShardForm::none;
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

// Where the index of a file lies.
enum class Index : std::uint8_t {
  last,   // head, parts, manifest, footer: parts can be written before all is known of them
  first,  // head, parts: the head is the index
};

inline constexpr std::uint64_t kMostAlignment = std::uint64_t{2} << 20;  // a huge page: more helps nobody

// How one format lays out a file. Pure: it makes bytes and places, and never touches a target.
struct Encoder {
  std::string_view format;  // "zt-1.2"
  std::string_view title;   // "1.2": how messages name the format
  const char* index_limit;  // the rule that an index over Limits::index_bytes breaks
  Index index = Index::last;
  std::uint64_t alignment;            // of parts; a writer may be asked for more
  std::uint64_t most_alignment;       // the most that it may be asked for
  std::uint64_t canonical_alignment;  // of parts in the canonical form; 0: the format has none
  std::uint64_t manifest_alignment;   // see is_index_aligned()
  Holds holds;
  // What a file begins with where the index comes last; else null.
  std::vector<std::byte> (*head)();
  // Where the index comes first, and null where it comes last: all of the file except its parts. The catalog is
  // complete, and the offsets of its parts count from the end of what is returned.
  std::vector<std::byte> (*index_head)(const Catalog& catalog);
  // The tensors in the order in which their parts lie: in canonical files, and where the index comes first. Else null.
  std::vector<std::uint32_t> (*order)(const Catalog& catalog);
  // The stored type ("" when the format has none) and the logical type ("" for none) of a dtype, as the format spells
  // them.
  std::string_view (*storage)(DType dtype);
  std::string_view (*logical)(DType dtype);
  // How the format spells a codec; "" for one that it does not have. Raw parts need no word.
  std::string_view (*encoding)(Codec codec);
  // Where the index comes last; null where it comes first.
  std::vector<std::byte> (*manifest)(const Catalog& catalog);
  // What ends the file, right behind the manifest at `offset`.
  std::vector<std::byte> (*footer)(std::uint64_t offset, std::span<const std::byte> manifest);
  // Of a model in several whole files: the index that says which of them each tensor lies in. `files`: their names, as
  // recipes count them from 1. Null unless shards are `indexed`.
  std::vector<std::byte> (*shard_index)(const Catalog& catalog, std::span<const std::string> files);
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

  bool has_codec(Codec codec) const { return codec == Codec::raw || !encoding(codec).empty(); }
  bool has_canonical_form() const { return canonical_alignment != 0; }
  // Whether the manifest is placed as parts are; else it follows the last part directly.
  bool is_index_aligned() const { return manifest_alignment > 1; }
};

// Throws limit, with the rule of the format, for an index that no reader would take.
void check_index_size(std::uint64_t bytes, const Encoder& encoder, const Limits& limits);

}  // namespace zt::model
