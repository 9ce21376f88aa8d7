#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
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

// The bytes that the digests of parts cover.
enum class Digests : std::uint8_t {
  none,     // the format has none
  stored,   // the stored bytes: crc32c, unless the caller chooses another
  decoded,  // the decoded bytes: xxh3, unless the caller chooses another
  archive,  // the decoded bytes: crc32, which each member of an archive has
};

// A part that becomes a member of an archive: a file of its own.
struct Member {
  std::string_view name;                 // of the tensor
  std::span<const std::uint64_t> shape;  // of the tensor
  DType dtype = DType::u8;
  std::uint64_t length = 0;  // of the part, which is raw
};

// What an archive has around each part. Parts lie one after another in the order of the catalog.
struct Archive {
  // The bytes from `at`, where the member before it ends, to a multiple of the format's alignment, where the part
  // begins.
  std::vector<std::byte> (*front)(const Member& member, std::uint64_t at);
  // The bytes right behind the part, whose CRC-32 is `crc`.
  std::vector<std::byte> (*back)(const Member& member, std::uint32_t crc);
  // Why no tensor can have the name; "": nothing speaks against it.
  std::string (*fault_of_name)(std::string_view name);
};

// How the format stores a model in several files.
enum class ShardForm : std::uint8_t {
  none,     // the format has no shards
  rooted,   // a root file names files that hold only data (generation 2)
  indexed,  // an index in JSON names whole files of the format (safetensors)
};

// What files of one format can hold, and what their readers require. Anything else in a tensor is a loss: the Writer
// refuses it, or drops it if the caller allows losses.
struct Holds {
  // Attributes.
  bool tensor_attributes = true;
  bool file_attributes = true;
  bool only_text_attributes = false;      // attributes of the file are texts
  bool own_attributes = true;             // false: the library's own "ztensor.*" attributes are left out
  std::string_view kept_attributes = {};  // except those that begin so, which the encoder uses
  bool deterministic_attributes = false;  // one form of CBOR: no tags, and sorted keys that are names
  std::string_view taken_attribute = {};  // no tensor may have this attribute; "": none
  std::uint32_t index_depth = 0;          // how deep the index may nest, whatever Limits say; 0: as Limits say

  // Layouts and roles.
  bool other_layouts = true;            // layouts except dense, sparse_csr and sparse_coo
  bool sparse_layouts = true;           // sparse_csr and sparse_coo
  bool only_known_parts = false;        // a tensor has only the parts that the format defines for its layout
  bool named_roles = false;             // layouts and roles follow the rules of names, and each object has a part
  bool checked_profiles = false;        // quantized layouts must follow their rules
  std::string_view layout_prefix = {};  // layouts with this prefix would mean another layout in a file; "": none
  std::string_view taken_name = {};     // no tensor may have this name; "": none

  // Contents.
  bool narrow_indices = false;  // sparse indices may have 32 bits; otherwise they have 64
  bool sorted_sparse = false;   // sparse entries are in order, and no cell comes twice
  bool bounded_shapes = false;  // the product of a shape fits 64 bits, even if a later dimension is 0
  bool whole_bytes = false;     // elements smaller than a byte fill whole bytes

  // Parts.
  bool planes_of_dense = false;      // only dense tensors of one part may have byte planes
  bool only_seekable_parts = false;  // compressed parts are frames with a seek table
  bool sorted_parts = false;         // the parts of a tensor are in the order of their roles
  bool shared_parts = true;          // tensors may name the same bytes
  bool equal_parts_once = false;     // raw parts of the same bytes are stored once
  Digests digests = Digests::stored;
  bool sha256 = true;  // digests may be sha256
  ShardForm shards = ShardForm::none;
};

// How the manifest of a growing file changes. Everything else in the manifest stays as it is, even if this build does
// not understand it.
struct ManifestEdit {
  const Catalog* added = nullptr;                                      // new tensors; their names are not listed below
  std::set<std::string, std::less<>> removed;                          // tensors that go
  std::map<std::string, std::string, std::less<>> aliases;             // new name -> tensor of the former manifest
  std::map<std::string, std::vector<std::byte>, std::less<>> changed;  // tensor or alias -> new attributes, or none
  std::optional<std::vector<std::byte>> attributes = {};               // of the file; empty: none
  std::vector<Region> former = {};                                     // of manifests, for the next edit
  Region objects = {};  // Catalog::objects of the manifest: saves looking for its end; empty: not known
  // Gives the region that the new manifest goes into, of which it is told the size, all but what naming that region
  // may add to it: a list with one more region of `former`. Empty, or gives none: the manifest names no such region.
  std::function<std::optional<Region>(std::uint64_t size)> place = {};
};

struct EditedManifest {
  std::vector<std::byte> bytes;
  std::uint64_t bookkeeping = 0;  // bytes of it that only files which grow have
};

// Regions that manifests of a file have been in.
struct FormerManifests {
  std::vector<Region> regions;   // all, as far as the file says
  std::vector<Region> reusable;  // that hold neither this version's nor the one before it, by growing length
};

// How files of one format change in place. Pure, as an Encoder is.
struct Grower {
  enum class Tail {
    manifest_size,  // generations 1.1 and 1.2: the manifest, its size in 8 bytes, 8 bytes of magic
    footer          // generation 2: 40 bytes that say where the manifest is, which may be in a region of its own
  };
  Tail tail;
  // Decodes a file as its decoder does, and keeps the manifest: the bytes that were checked are those to edit.
  Catalog (*decode)(const ByteStore& store, const Limits& limits, std::vector<std::byte>& manifest);
  // Never throws for strange content.
  FormerManifests (*former)(const ByteStore& store, const Catalog& catalog, std::span<const std::byte> manifest);
  EditedManifest (*edit)(std::span<const std::byte> manifest, const ManifestEdit& edit);
  // The same manifest with every part of this file at another offset: `place` gives it, and is asked in the order of
  // the manifest.
  std::vector<std::byte> (*relocate)(std::span<const std::byte> manifest,
                                     const std::function<std::uint64_t(Region part)>& place);
};

// Where the index of a file is.
enum class Index : std::uint8_t {
  last,   // head, parts, manifest, footer: parts can be written before the index is known
  first,  // head, parts: the head is the index
};

inline constexpr std::uint64_t kMostAlignment = std::uint64_t{2} << 20;  // a huge page: more would not help

// What a tensor is, apart from its bytes. Borrowed for a call.
struct Outline {
  std::string_view layout;
  std::span<const std::uint64_t> shape;
  std::optional<DType> dtype;             // of part "data"
  std::span<const std::byte> attributes;  // CBOR, or nothing
};

// How one format lays out a file. It is pure: it makes bytes and offsets, and never touches a target.
struct Encoder {
  std::string_view format;  // "zt-1.2"
  std::string_view title;   // "1.2": messages name the format by it
  const char* index_limit;  // the rule that an index over Limits::index_bytes or most_index breaks
  std::uint64_t most_index = std::numeric_limits<std::uint64_t>::max();  // no reader opens a longer index
  Index index = Index::last;
  std::uint64_t alignment;            // the default alignment of parts; a caller may choose more
  std::uint64_t most_alignment;       // the largest alignment that a caller may choose
  std::uint64_t canonical_alignment;  // of parts in the canonical form; 0: the format has no canonical form
  std::uint64_t manifest_alignment;   // see is_index_aligned()
  Holds holds;
  // The head of a file; null if the index comes first.
  std::vector<std::byte> (*head)();
  // All of a file except its parts; null if the index comes last. The catalog is complete, and the offsets of its parts
  // count from the end of the result.
  std::vector<std::byte> (*index_head)(const Catalog& catalog);
  // The tensors in the order of their parts in the file: for canonical files, and if the index comes first. Else null.
  std::vector<std::uint32_t> (*order)(const Catalog& catalog);
  // The format's words for the stored type ("": the format cannot store the dtype) and the logical type ("": none) of a
  // dtype.
  std::string_view (*storage)(DType dtype);
  std::string_view (*logical)(DType dtype);
  // The format's word for a codec ("": the format lacks the codec). Raw parts need no word.
  std::string_view (*encoding)(Codec codec);
  // The manifest; null if the index comes first.
  std::vector<std::byte> (*manifest)(const Catalog& catalog);
  // The end of the file, right behind the manifest at `offset`; null if the index comes first.
  std::vector<std::byte> (*footer)(std::uint64_t offset, std::span<const std::byte> manifest);
  // The index of a model in several whole files: it names the file of each tensor. `files` are the names of the files;
  // recipes count them from 1. Null unless shards are `indexed`.
  std::vector<std::byte> (*shard_index)(const Catalog& catalog, std::span<const std::string> files);
  const Grower* grower;              // null: files are only written anew
  const Archive* archive = nullptr;  // null: parts are no members, and have only gaps between them
  // For formats that hold only some attributes of files, and some tensors. Each names what it is that cannot be stored;
  // "": all can. Null: whatever `holds` allows can be stored. `value` is CBOR.
  std::string (*attribute_fault)(std::string_view key, std::span<const std::byte> value) = nullptr;
  std::string (*tensor_fault)(const Outline& tensor) = nullptr;
  // Whether the format has a layout beside the dense one, which then implies the attributes of its tensors. Null: none.
  bool (*has_blocks)(std::string_view layout) = nullptr;
  // The alignment of parts in a file with these attributes; null: the one that the caller chose.
  std::uint64_t (*alignment_of)(std::span<const std::byte> attributes) = nullptr;
  bool padded_end = false;  // the file ends at a multiple of the alignment

  bool has_codec(Codec codec) const { return codec == Codec::raw || !encoding(codec).empty(); }
  bool has_canonical_form() const { return canonical_alignment != 0; }
  // Whether the manifest is aligned as parts are; else it directly follows the last part.
  bool is_index_aligned() const { return manifest_alignment > 1; }
};

// Throws limit, with the rule of the format, if the index is larger than readers accept.
void check_index_size(std::uint64_t bytes, const Encoder& encoder, const Limits& limits);

}  // namespace zt::model
