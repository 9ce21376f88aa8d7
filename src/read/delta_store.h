#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "codec/delta.h"
#include "read/part_source.h"
#include "read/pieces.h"
#include "read/scratch.h"
#include "read/slice_cache.h"
#include "run/per_process.h"
#include "ztensor/byte_store.h"

namespace zt::read {

// A base that can only be read from front to back, such as a member of a compressed npz file: how far it was read. For
// one thread at a time.
class FrontToBack {
 public:
  using Piece = std::shared_ptr<const std::vector<std::byte>>;
  explicit FrontToBack(const PartSource& base) : base_(base) {}
  // The number of the piece that next() gives.
  std::size_t position() const { return position_; }
  // The next piece, of kDeltaPieceBytes unless it is the last.
  Piece next();
  void restart();

 private:
  PartSource base_;
  std::unique_ptr<PieceReader> reader_;  // null before the first piece and behind the last one
  Scratch scratch_;
  std::size_t position_ = 0;
};

// What reading one delta leaves to the next, for all deltas of one source: memory for decoding, and the pieces that were
// decoded last, so that a loop over rows decodes each piece once. Any thread of one process.
class DeltaCache {
 public:
  static constexpr std::size_t kMost = std::size_t{32} << 20;  // bytes
  static constexpr std::size_t kMostFronts = 4;
  using Piece = std::shared_ptr<const std::vector<std::byte>>;
  struct Worker {
    explicit Worker(ElementForm element_form) : form(element_form), decoder(element_form) {}
    ElementForm form;
    codec::DeltaDecoder decoder;
    std::vector<std::byte> stored, base;
  };
  std::unique_ptr<Worker> take(ElementForm form);
  void give(std::unique_ptr<Worker> worker);
  Piece find(std::uint64_t delta, std::size_t piece);
  void keep(std::uint64_t delta, std::size_t piece, const Piece& decoded);
  // The piece of a base that can only be read from front to back. Threads that need neighbouring pieces wait for each
  // other, and find them here; a step back reads the base from its beginning.
  Piece base_piece(const PartSource& base, std::uint64_t delta, std::size_t piece);

 private:
  struct Front {
    explicit Front(const PartSource& base) : bytes(base) {}
    std::mutex mutex;  // held while reading
    FrontToBack bytes;
  };
  std::mutex mutex_;  // guards all below, and is never held while reading
  std::vector<std::unique_ptr<Worker>> idle_;
  Recent<std::pair<std::uint64_t, std::size_t>, Piece> pieces_{kMost};  // by the id of the delta
  Recent<std::pair<std::uint64_t, std::size_t>, Piece> base_pieces_{kMost};
  Recent<std::uint64_t, std::shared_ptr<Front>> fronts_{kMostFronts};
};

// The pieces of a part; several tensors may share one part, and its pieces.
using DeltaPieces = std::shared_ptr<const std::vector<codec::DeltaPiece>>;
// Reads the table of a part of Codec::delta. No pieces: the part is its base. Throws malformed "delta.table"; io.
DeltaPieces read_pieces(const PartSource& stored);

// The header of a piece. Throws malformed "delta.header"; io.
codec::DeltaHead read_head(const PartSource& stored, const std::vector<codec::DeltaPiece>& pieces, std::size_t number);

// What one piece of `size` decoded bytes changes. `base` gives the piece of the base, and is called only for a piece with
// differences. Throws as DeltaDecoder::changes() and ByteStore::read_at() do.
codec::DeltaChanges read_changes(const PartSource& stored, const std::vector<codec::DeltaPiece>& pieces,
                                 std::size_t number, std::size_t size, DeltaCache& cache,
                                 const std::function<void(std::vector<std::byte>&)>& base);

// The decoded bytes of a part that is stored as a delta, as a store of their own. So everything that reads raw bytes
// reads them, too. A read decodes the pieces that it needs, with the same pieces of the base, and checks them
// (spec/delta.md §2). Any thread, and a forked child.
class DeltaStore final : public ByteStore {
 public:
  // `stored`: the stored bytes, a recipe of Codec::delta, and `pieces`, those of read_pieces(). `base`: the decoded bytes
  // of the base, and what slices of its source leave to each other; their owners outlive this, and `cache` too. Throws
  // malformed "delta.base"; as PieceReader does.
  DeltaStore(const PartSource& stored, DeltaPieces pieces, const PartSource& base,
             run::PerProcess<SliceCache>& base_slices, run::PerProcess<DeltaCache>& cache);

  std::uint64_t size() const override { return stored_.recipe.decoded_length; }
  // Throws malformed "delta.*", mismatch "delta.base.check", "delta.result.check", and as the base does.
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override;
  std::size_t pieces() const { return pieces_->size(); }  // none: the part is its base
  // The piece of the base, as far as it goes. Throws as the base does.
  void read_base(std::size_t number, std::vector<std::byte>& out) const;
  // Whether a piece is made over this base, or over none. Throws as read_at().
  bool fits(std::size_t piece) const;
  // Whether a piece is made over a base. Throws as read_at().
  bool has_base(std::size_t piece) const { return read_head(stored_, *pieces_, piece).mode != codec::DeltaMode::full; }

 private:
  std::size_t piece_size(std::size_t number) const;
  void read_as_base(std::uint64_t offset, std::span<std::byte> out) const;
  void decode(std::size_t number, std::span<std::byte> out) const;
  void decode_with(DeltaCache::Worker& worker, std::size_t number, std::span<std::byte> out) const;

  PartSource stored_;
  DeltaPieces pieces_;
  PartSource base_;
  run::PerProcess<SliceCache>* base_slices_;
  run::PerProcess<DeltaCache>* cache_;
  std::uint64_t id_;              // no other delta of the process has it: an address may come again
  bool base_is_ordered_ = false;  // it can only be read from front to back
};

}  // namespace zt::read
