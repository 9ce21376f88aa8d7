#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "ztensor/digest.h"
#include "ztensor/encoding.h"
#include "ztensor/limits.h"
#include "ztensor/resolver.h"
#include "ztensor/value.h"

namespace zt {

enum class Backend { automatic, mmap, read };

// Which digests a read checks. verify() always checks all.
enum class Verify {
  standard,  // crc32c and xxh3 on every copying or decoding read, in the same pass; borrowed views are not checked
  always,    // also sha256, and a view once, when it is first handed out
  never,
};

struct OpenOptions {
  Backend backend = Backend::automatic;
  Verify verify = Verify::standard;
  unsigned threads = 0;  // 0: ZTENSOR_THREADS, else the cores this process may use
  Limits limits = {};
  std::shared_ptr<const Resolver> resolver = {};  // of shards; null: shards_of(path), and none where there is no path
};

enum class WriteMode {
  replace,     // a new file; one that is there is replaced when it is complete
  create_new,  // a new file; one that is there is an error (io, EEXIST)
  append,      // the file that is there grows in place (spec/zt-1.2.md, spec/zt-2.md); a new one where there is none
};

struct WriterOptions {
  WriteMode mode = WriteMode::replace;
  // "1.0", "1.2" or "2", also with "zt-", or "safetensors". "": that of a file that grows, or that the target's name
  // ends in, or 1.2.
  std::string format = "";
  Encoding encoding = Encoding::raw();    // of parts that do not ask otherwise
  std::optional<Checksum> checksum = {};  // default: crc32c in 1.x, xxh3 in 2
  // Of parts: a power of two up to 2 MiB. 0 is 64 in 1.x, 65536 in canonical files of 2, 4096 in others of 2.
  std::uint64_t alignment = 0;
  Value attributes = {};  // of the file: a map with text keys, or null
  bool durable = false;   // sync new files and their folder too; replaced files always are
  unsigned threads = 0;
  Limits limits = {};
  // Generation 2. The same tensors give the same bytes, whatever order they are added in: all raw, with xxh3 digests,
  // one file. Empty: yes, unless another option or append rules it out.
  std::optional<bool> canonical = {};
  // Over 0, in generation 2 and safetensors: data goes to files of at most so many bytes beside the target. Safetensors
  // counts the bytes of tensors, and has an index beside them where there are several.
  std::uint64_t max_shard_size = 0;
  bool whole_shards = false;  // these are files of tensors that can be opened by themselves
  bool lossy = false;         // add_stored(): what the format cannot hold is left out, and told by losses()
};

struct AddOptions {
  std::optional<Encoding> encoding = {};  // default: the writer's
  std::optional<Checksum> checksum = {};  // default: the writer's
  Value attributes = {};                  // of the tensor: a map with text keys, or null
  bool replace = false;                   // in a file that grows: a tensor of this name gives way
};

}  // namespace zt
