#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "ztensor/byte_store.h"

namespace zt {

// How a file names a shard: another file that holds parts of its tensors. Of a foreign file, a shard is a raw file, such
// as the external data of an ONNX model.
struct ShardIdentity {
  std::string name;        // a label, never a path. Of a raw file: a path of plain names below the folder of the file
  std::uint64_t size = 0;  // of the whole file; 0 for a raw file: any size
  std::string digest;      // of the whole file: "sha256:..."; "" for a raw file
};

// Finds the shards of a file. Derive from it to open files whose shards lie where <ztensor/shards.h> does not look. Any
// thread may call any member.
class ZT_API Resolver {
 public:
  virtual ~Resolver() = default;
  // The bytes of the shard; null where this resolver does not have it. The caller compares their number with
  // `shard.size`; check() can compare their digest, too. Throws io where a file is there but cannot be opened.
  [[nodiscard]] virtual std::shared_ptr<const ByteStore> find(const ShardIdentity& shard) const = 0;
  // Where the shard is expected on disk, whether it is there or not; empty where no place is. Opens nothing.
  [[nodiscard]] virtual std::filesystem::path place(const ShardIdentity& shard) const;
};

}  // namespace zt
