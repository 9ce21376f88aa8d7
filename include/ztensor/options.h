#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ztensor/delta_base.h"
#include "ztensor/digest.h"
#include "ztensor/encoding.h"
#include "ztensor/limits.h"
#include "ztensor/resolver.h"
#include "ztensor/value.h"

namespace zt {

class Source;

// How the bytes of a file are reached. `automatic` maps a file where it can be mapped and reads it otherwise, and reads
// a file behind a network or in FUSE; `mmap` throws where a file cannot be mapped; `read` maps nothing.
enum class Backend { automatic, mmap, read };

// Which digests a read checks. zt::verify() and zt::check() always check all of them.
enum class Verify {
  standard,  // crc32c and xxh3 on every read of a whole part, in the same pass; neither views nor slices
  always,    // also sha256; before a view or a slice, the whole part, once in the life of the source
  never,
};

struct OpenOptions {
  Backend backend = Backend::automatic;
  Verify verify = Verify::standard;  // of reads that do not say otherwise
  unsigned threads = 0;              // 0: ZTENSOR_THREADS if it is set, else the cores that this process may use
  Limits limits = {};
  // Finds the shards of the file. Null: shards_of(path) for a path; a store without a path then finds no shard.
  // Also finds the base of a delta, whose identity has the label of the base, the base's id as digest, and size 0.
  std::shared_ptr<const Resolver> resolver = {};
  // Bases of tensors that are stored as deltas (spec/delta.md §5): of those that have a dense tensor of the base's name
  // and dtype, the one that the delta was made over. Then `resolver` is asked, then the file is opened that the delta
  // names beside itself.
  std::vector<std::shared_ptr<const Source>> bases = {};
};

// What a Writer does with a file that its target names.
enum class WriteMode {
  replace,     // writes a new file, which replaces the present one when it is complete
  create_new,  // writes a new file; throws io (EEXIST) where there is one
  append,      // grows the present file in place (spec/zt-1.2.md, spec/zt-2.md); writes a new one where there is none
};

// How a file is written. A file that grows keeps its format and alignment: `to` and `alignment` may name them again,
// and other values of them, canonical = true and shards are usage errors there.
struct WriterOptions {
  // The format of the file: "1.0", "1.2" or "2", also with "zt-" before it, or "safetensors", "gguf" or "npz". A name,
  // not an enum, since the table of formats grows with the library. Empty: the format of the file that grows; of a new
  // file, the format whose suffix the target's name has, else 1.2.
  std::string to = "";
  Encoding encoding = Encoding::raw();    // of parts whose call names no other
  std::optional<Checksum> checksum = {};  // empty: crc32c in 1.x, xxh3 in 2
  // Each part begins at a multiple of this many bytes: a power of two up to 2 MiB. 0 selects the format's own: 64 in
  // 1.x, 65536 in canonical files of format 2, 4096 in its other files.
  std::uint64_t alignment = 0;
  // Of the file: a map with text keys, or null. A file that grows keeps the attributes it has; these are added, and a
  // key that both have gets the value given here. Writer::set_attributes() replaces all of them.
  Value attributes = {};
  bool durable = false;  // syncs new files and their folder, too; a file that replaces another is always synced
  unsigned threads = 0;  // as in OpenOptions
  Limits limits = {};
  // Format 2: writes the canonical form, in which the same tensors give the same bytes in whatever order they are
  // added. Such a file is raw, has xxh3 digests and is one file. Empty: yes, unless WriteMode::append or another option
  // here rules it out.
  std::optional<bool> canonical = {};
  // Format 2 and safetensors: if over 0, the data goes to several files of at most this many bytes beside the target.
  // Safetensors counts the bytes of tensors, and writes an index where there are several files.
  std::uint64_t max_shard_size = 0;
  // Needs max_shard_size: each of these files is a file of tensors that can be opened by itself. Safetensors always
  // writes such files.
  bool whole_shards = false;
  // Writer::add_stored() leaves out what the format cannot hold, and Writer::losses() lists it. Otherwise that is an
  // error.
  bool lossy = false;
  // Of tensors that are added with AddOptions::delta: see delta_base() in ztensor/delta.h. A new file of format 1.2 or 2
  // then names it, and is neither canonical nor has shards.
  DeltaBase base = {};
};

// How one tensor is added.
struct AddOptions {
  std::optional<Encoding> encoding = {};  // empty: the writer's
  std::optional<Checksum> checksum = {};  // empty: the writer's
  Value attributes = {};                  // of the tensor: a map with text keys, or null
  bool replace = false;  // WriteMode::append: a tensor of this name in the file, if there is one, is removed
  // Stores a dense array as what changed since the tensor of this name in WriterOptions::base, if there is one of its
  // dtype, and if that is shorter. `encoding` is for arrays that are stored whole.
  bool delta = false;
};

}  // namespace zt
