#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "ztensor/byte_store.h"

namespace zt {

// What a file says of a shard, another file that parts of its tensors lie in.
struct ShardIdentity {
  std::string name;        // a label, never a path
  std::uint64_t size = 0;  // of the whole file
  std::string digest;      // of the whole file: "sha256:..."
};

// Where shards are found. Derive from it to open files whose shards lie elsewhere than <ztensor/shards.h> looks. All
// members may be called from any thread.
class ZT_API Resolver {
 public:
  virtual ~Resolver() = default;
  // The shard's bytes, or null: not here. What comes back is held against the size that the shard must have, and
  // against its digest when check() is asked to. Throws io for what is there and cannot be opened.
  virtual std::shared_ptr<const ByteStore> find(const ShardIdentity& shard) const = 0;
  // Where it would be on disk, whether it is there or not; empty when nowhere in particular. Opens nothing.
  virtual std::filesystem::path place(const ShardIdentity& shard) const;
};

}  // namespace zt
