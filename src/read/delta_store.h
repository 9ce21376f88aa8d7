#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "codec/delta.h"
#include "read/part_source.h"
#include "read/slice_cache.h"
#include "run/per_process.h"
#include "ztensor/byte_store.h"

namespace zt::read {

// What reading one delta leaves to the next, for all deltas of one source: memory for decoding, and the pieces that were
// decoded last, so that a loop over rows decodes each piece once. Any thread of one process.
class DeltaCache {
 public:
  static constexpr std::size_t kMost = std::size_t{32} << 20;  // bytes
  using Piece = std::shared_ptr<const std::vector<std::byte>>;
  struct Worker {
    explicit Worker(ElementForm element_form) : form(element_form), decoder(element_form) {}
    ElementForm form;
    codec::DeltaDecoder decoder;
    std::vector<std::byte> stored, base;
  };
  std::unique_ptr<Worker> take(ElementForm form);
  void give(std::unique_ptr<Worker> worker);
  Piece find(const void* delta, std::size_t piece);
  void keep(const void* delta, std::size_t piece, const Piece& decoded);

 private:
  std::mutex mutex_;  // guards both
  std::vector<std::unique_ptr<Worker>> idle_;
  Recent<std::pair<const void*, std::size_t>, Piece> pieces_{kMost};
};

// The decoded bytes of a part that is stored as a delta, as a store of their own. So everything that reads raw bytes
// reads them, too. A read decodes the pieces that it needs, with the same pieces of the base, and checks them
// (spec/delta.md §2). Any thread, and a forked child.
class DeltaStore final : public ByteStore {
 public:
  // `stored`: the stored bytes, a recipe of Codec::delta. `base`: the decoded bytes of the base; their owners outlive
  // this, and `cache` too. Reads the table. Throws malformed "delta.table", "delta.base"; io.
  DeltaStore(const PartSource& stored, const PartSource& base, run::PerProcess<DeltaCache>& cache);

  std::uint64_t size() const override { return stored_.recipe.decoded_length; }
  // Throws malformed "delta.*", mismatch "delta.base.check", "delta.result.check", and as the base does.
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override;
  std::uint64_t request_cost() const override { return 0; }  // decoded pieces are in memory

 private:
  std::size_t piece_size(std::size_t number) const;
  void decode(std::size_t number, std::span<std::byte> out) const;
  void decode_with(DeltaCache::Worker& worker, std::size_t number, std::span<std::byte> out) const;

  PartSource stored_;
  PartSource base_;
  run::PerProcess<DeltaCache>* cache_;
  std::vector<codec::DeltaPiece> pieces_;  // none: the part is its base
};

}  // namespace zt::read
