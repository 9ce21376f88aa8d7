#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "hash/digest.h"
#include "model/catalog.h"
#include "run/per_process.h"
#include "run/progress.h"
#include "ztensor/byte_store.h"
#include "ztensor/digest.h"
#include "ztensor/resolver.h"

namespace zt::source {

// The identity to give to a resolver.
inline ShardIdentity identity_of(const model::FileRow& row) { return {row.name, row.size, row.digest}; }
// The digest of all bytes of a store. Counts them with `meter`, but does not poll it. Any thread.
hash::Digest digest_of_store(const ByteStore& store, Checksum algorithm, run::Meter& meter);

// The other files of one source, such as its shards. Each is looked for when it is first needed. Failures are not
// remembered, so a later call may succeed. Any thread, and a forked child: it has what its parent had found, and does
// not wait for a thread of its parent.
class Shards {
 public:
  // A resolver for each row; null: the shard is not found.
  Shards(std::span<const model::FileRow> rows, std::vector<std::shared_ptr<const Resolver>> resolvers);

  // Throws io (ENOENT: no such file), unsupported if there is no place to look, malformed "shard.*".
  const std::shared_ptr<const ByteStore>& store(std::size_t shard) const;
  // The path where the shard was found, else where it is expected; empty for a shard that is not on disk.
  std::filesystem::path path(std::size_t shard) const;
  // Compares all bytes with the digest: false if the digest is of an unknown form. Throws as store(), and mismatch
  // "shard.digest".
  bool check(std::size_t shard, run::Meter& meter) const;
  std::size_t size() const { return rows_.size(); }
  const model::FileRow& row(std::size_t shard) const { return rows_[shard]; }

 private:
  struct Slot {
    ~Slot() { delete found.load(); }
    std::atomic<const std::shared_ptr<const ByteStore>*> found = nullptr;  // set once, and read without a lock
    run::PerProcess<std::mutex> looking;                                   // held while looking for it
  };
  std::shared_ptr<const ByteStore> resolve(std::size_t shard) const;

  std::span<const model::FileRow> rows_;  // of the source's catalog
  std::vector<std::shared_ptr<const Resolver>> resolvers_;
  std::unique_ptr<Slot[]> slots_;
};

}  // namespace zt::source
