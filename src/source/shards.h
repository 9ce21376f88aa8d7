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

// The identity that a resolver looks for.
inline ShardIdentity identity_of(const model::FileRow& row) { return {row.name, row.size, row.digest}; }
// The digest of all bytes of a store, counted with `meter`. Any thread: it is not polled.
hash::Digest digest_of_store(const ByteStore& store, Checksum algorithm, run::Meter& meter);

// The other files of one source, such as its shards. Each is looked for when it is first needed; a failure is not
// remembered, so that it can be tried again. Any thread, and a forked child: it has what its parent had found, and waits
// for no thread of its parent.
class Shards {
 public:
  // `resolver` may be null: nothing is found.
  Shards(std::span<const model::FileRow> rows, std::shared_ptr<const Resolver> resolver);

  // Throws io (ENOENT: no such file), unsupported where nobody knows where to look, malformed "shard.*".
  const std::shared_ptr<const ByteStore>& store(std::size_t shard) const;
  // Of what was found, else where it should be; empty for what is not on disk.
  std::filesystem::path path(std::size_t shard) const;
  // Holds all of its bytes against its digest: false where there is none that we know. Throws as store(), and mismatch
  // "shard.digest".
  bool check(std::size_t shard, run::Meter& meter) const;
  std::size_t size() const { return rows_.size(); }
  const model::FileRow& row(std::size_t shard) const { return rows_[shard]; }

 private:
  struct Slot {
    ~Slot() { delete found.load(); }
    std::atomic<const std::shared_ptr<const ByteStore>*> found = nullptr;  // set once, and read without a lock
    run::PerProcess<std::mutex> looking;                                   // whoever looks for it
  };
  std::shared_ptr<const ByteStore> resolve(const model::FileRow& row) const;

  std::span<const model::FileRow> rows_;  // of the source's catalog
  std::shared_ptr<const Resolver> resolver_;
  std::unique_ptr<Slot[]> slots_;
};

}  // namespace zt::source
