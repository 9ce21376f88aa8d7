#include "read/delta_store.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <utility>

#include "codec/zstd.h"
#include "hash/xxh3.h"
#include "read/picks.h"
#include "read/slice.h"
#include "ztensor/error.h"

namespace zt::read {
namespace {

std::uint64_t next_id() noexcept {
  static std::atomic<std::uint64_t> last = 0;
  return last.fetch_add(1, std::memory_order_relaxed);
}

// Some decoded bytes of a part that any thread may read anywhere.
void read_bytes(const PartSource& part, run::PerProcess<SliceCache>& slices, std::uint64_t offset,
                std::span<std::byte> out) {
  if (out.empty()) return;
  const model::Recipe& recipe = part.recipe;
  if (recipe.coding.is_raw() && !part.view && recipe.swap == 0) {
    return part.store->read_at(recipe.offset + offset, out);
  }
  const std::uint64_t length = recipe.decoded_length;
  read_slice(part, {&length, 1}, 1, {{.start = offset, .count = out.size()}}, out, {.cache = &slices.here()});
}

}  // namespace

DeltaCache::Piece DeltaCache::find(std::uint64_t delta, std::size_t piece) {
  const std::lock_guard lock(mutex_);
  const Piece* found = pieces_.find({delta, piece});
  return found == nullptr ? nullptr : *found;
}

void DeltaCache::keep(std::uint64_t delta, std::size_t piece, const Piece& decoded) {
  const std::lock_guard lock(mutex_);
  pieces_.keep({delta, piece}, decoded, decoded->size());
}

std::unique_ptr<DeltaCache::Worker> DeltaCache::take(ElementForm form) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(idle_, form, [](const auto& worker) { return worker->form; });
    if (found != idle_.end()) {
      std::unique_ptr<Worker> worker = std::move(*found);
      idle_.erase(found);
      return worker;
    }
  }
  return std::make_unique<Worker>(form);
}

void DeltaCache::give(std::unique_ptr<Worker> worker) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(worker));
}

DeltaCache::Piece DeltaCache::base_piece(const PartSource& base, std::uint64_t delta, std::size_t piece) {
  const auto kept = [&]() -> Piece {
    const std::lock_guard lock(mutex_);
    const Piece* found = base_pieces_.find({delta, piece});
    return found == nullptr ? nullptr : *found;
  };
  if (Piece found = kept()) return found;
  std::shared_ptr<Front> front;
  {
    const std::lock_guard lock(mutex_);
    if (const auto* known = fronts_.find(delta)) front = *known;
    if (!front) fronts_.keep(delta, front = std::make_shared<Front>(base), 1);
  }
  const std::lock_guard reading(front->mutex);
  if (Piece found = kept()) return found;  // another thread has read it meanwhile
  if (front->bytes.position() > piece) front->bytes.restart();
  for (;;) {
    const std::size_t number = front->bytes.position();
    Piece next = front->bytes.next();
    {
      const std::lock_guard lock(mutex_);
      base_pieces_.keep({delta, number}, next, next->size());
    }
    if (number == piece) return next;
  }
}

FrontToBack::Piece FrontToBack::next() {
  if (!reader_) {
    reader_ = std::make_unique<PieceReader>(base_, Verify::never, Use::plain);
    position_ = 0;
  }
  auto piece = std::make_shared<std::vector<std::byte>>(reader_->piece_length(position_));
  try {
    reader_->read(position_, *piece, scratch_);
  } catch (...) {
    restart();
    throw;
  }
  ++position_;
  if (position_ == reader_->pieces()) reader_.reset();  // what decoding needs may be large
  return piece;
}

void FrontToBack::restart() {
  reader_.reset();
  position_ = 0;
}

DeltaPieces read_pieces(const PartSource& stored) {
  const model::Recipe& recipe = stored.recipe;
  if (recipe.stored_length == 0) return std::make_shared<const std::vector<codec::DeltaPiece>>();
  std::vector<std::byte> table(
      static_cast<std::size_t>(std::min<std::uint64_t>(recipe.stored_length, codec::kTableFooterBytes)));
  stored.store->read_at(recipe.offset + recipe.stored_length - table.size(), table);
  const std::uint64_t size = codec::delta_table_bytes(table, recipe.stored_length, recipe.decoded_length);
  table.resize(static_cast<std::size_t>(size));
  stored.store->read_at(recipe.offset + recipe.stored_length - size, table);
  return std::make_shared<const std::vector<codec::DeltaPiece>>(
      codec::read_delta_table(table, recipe.stored_length, recipe.decoded_length));
}

codec::DeltaHead read_head(const PartSource& stored, const std::vector<codec::DeltaPiece>& pieces, std::size_t number) {
  const codec::DeltaPiece& piece = pieces[number];
  std::vector<std::byte> head(std::min<std::size_t>(piece.stored, codec::kDeltaHeadBytes));
  stored.store->read_at(stored.recipe.offset + piece.at, head);
  return codec::read_delta_head(head, stored.recipe.coding.form);
}

codec::DeltaChanges read_changes(const PartSource& stored, const std::vector<codec::DeltaPiece>& pieces,
                                 std::size_t number, std::size_t size, DeltaCache& cache,
                                 const std::function<void(std::vector<std::byte>&)>& base) {
  if (pieces.empty()) return {};  // the part is its base
  const codec::DeltaPiece& piece = pieces[number];
  const ElementForm form = stored.recipe.coding.form;
  std::unique_ptr<DeltaCache::Worker> worker = cache.take(form);
  worker->stored.resize(piece.stored);
  stored.store->read_at(stored.recipe.offset + piece.at, worker->stored);
  worker->base.clear();
  if (codec::read_delta_head(worker->stored, form).mode == codec::DeltaMode::delta) base(worker->base);
  codec::DeltaChanges changes = worker->decoder.changes(worker->stored, piece.content, worker->base, size);
  cache.give(std::move(worker));
  return changes;
}

DeltaStore::DeltaStore(const PartSource& stored, DeltaPieces pieces, const PartSource& base,
                       run::PerProcess<SliceCache>& base_slices, run::PerProcess<DeltaCache>& cache)
    : stored_(stored),
      pieces_(std::move(pieces)),
      base_(base),
      base_slices_(&base_slices),
      cache_(&cache),
      id_(next_id()) {
  const model::Recipe& recipe = stored.recipe;
  if (recipe.stored_length == 0 && base.recipe.decoded_length != recipe.decoded_length) {
    throw Error(Code::malformed, "delta.base",
                "a delta without stored bytes needs a base of " + std::to_string(recipe.decoded_length) +
                    " bytes, but the base has " + std::to_string(base.recipe.decoded_length));
  }
  if (!base.recipe.coding.is_raw()) base_is_ordered_ = PieceReader(base, Verify::never, Use::plain).ordered();
}

std::size_t DeltaStore::piece_size(std::size_t number) const {
  return static_cast<std::size_t>(
      std::min<std::uint64_t>(codec::kDeltaPieceBytes, size() - number * std::uint64_t{codec::kDeltaPieceBytes}));
}

void DeltaStore::read_base(std::size_t number, std::vector<std::byte>& out) const {
  const std::uint64_t at = number * std::uint64_t{codec::kDeltaPieceBytes}, length = base_.recipe.decoded_length;
  out.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece_size(number), length - std::min(at, length))));
  if (out.empty()) return;
  if (!base_is_ordered_) return read_bytes(base_, *base_slices_, at, out);
  static_assert(kPieceBytes == codec::kDeltaPieceBytes);
  const DeltaCache::Piece piece = cache_->here().base_piece(base_, id_, number);
  std::memcpy(out.data(), piece->data(), out.size());
}

void DeltaStore::read_as_base(std::uint64_t offset, std::span<std::byte> out) const {
  if (!base_is_ordered_) return read_bytes(base_, *base_slices_, offset, out);
  std::vector<std::byte> piece;
  while (!out.empty()) {
    read_base(static_cast<std::size_t>(offset / codec::kDeltaPieceBytes), piece);
    const auto from = std::span(piece).subspan(static_cast<std::size_t>(offset % codec::kDeltaPieceBytes));
    const std::size_t taken = std::min(out.size(), from.size());
    std::memcpy(out.data(), from.data(), taken);
    offset += taken;
    out = out.subspan(taken);
  }
}

void DeltaStore::decode_with(DeltaCache::Worker& worker, std::size_t number, std::span<std::byte> out) const {
  const codec::DeltaPiece& piece = (*pieces_)[number];
  worker.stored.resize(piece.stored);  // the table has been held against the stored bytes
  stored_.store->read_at(stored_.recipe.offset + piece.at, worker.stored);
  const codec::DeltaHead head = codec::read_delta_head(worker.stored, stored_.recipe.coding.form);
  worker.base.clear();
  if (head.mode != codec::DeltaMode::full) read_base(number, worker.base);
  worker.decoder.decode(worker.stored, piece.content, worker.base, out);
}

void DeltaStore::decode(std::size_t number, std::span<std::byte> out) const {
  DeltaCache& cache = cache_->here();
  std::unique_ptr<DeltaCache::Worker> worker = cache.take(stored_.recipe.coding.form);
  decode_with(*worker, number, out);
  cache.give(std::move(worker));
}

bool DeltaStore::fits(std::size_t piece) const {
  const codec::DeltaHead head = read_head(stored_, *pieces_, piece);
  if (head.mode == codec::DeltaMode::full) return true;
  std::vector<std::byte> base;
  read_base(piece, base);
  base.resize(piece_size(piece));  // it goes on as zeros
  return hash::xxh3(base) == head.base;
}

void DeltaStore::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  if (pieces_->empty()) return read_as_base(offset, out);
  while (!out.empty()) {
    const auto number = static_cast<std::size_t>(offset / codec::kDeltaPieceBytes);
    if (number >= pieces_->size()) throw Error(Code::internal, "", "a read behind the end of a delta");
    const auto from = static_cast<std::size_t>(offset % codec::kDeltaPieceBytes);
    const std::size_t size = piece_size(number), taken = std::min(out.size(), size - from);
    if (taken == size) {
      decode(number, out.first(size));
    } else {
      DeltaCache::Piece piece = cache_->here().find(id_, number);
      if (!piece) {
        const auto decoded = std::make_shared<std::vector<std::byte>>(size);
        decode(number, *decoded);
        cache_->here().keep(id_, number, decoded);
        piece = decoded;
      }
      std::memcpy(out.data(), piece->data() + from, taken);
    }
    offset += taken;
    out = out.subspan(taken);
  }
}

}  // namespace zt::read
