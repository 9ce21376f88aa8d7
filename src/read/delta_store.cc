#include "read/delta_store.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "codec/zstd.h"
#include "read/picks.h"
#include "read/slice.h"
#include "ztensor/error.h"

namespace zt::read {
namespace {

// Some decoded bytes of a part.
void read_bytes(const PartSource& part, std::uint64_t offset, std::span<std::byte> out) {
  if (out.empty()) return;
  const model::Recipe& recipe = part.recipe;
  if (recipe.coding.is_raw() && !part.view && recipe.swap == 0) {
    return part.store->read_at(recipe.offset + offset, out);
  }
  const std::uint64_t length = recipe.decoded_length;
  read_slice(part, {&length, 1}, 1, {{.start = offset, .count = out.size()}}, out);
}

}  // namespace

DeltaCache::Piece DeltaCache::find(const void* delta, std::size_t piece) {
  const std::lock_guard lock(mutex_);
  const Piece* found = pieces_.find({delta, piece});
  return found == nullptr ? nullptr : *found;
}

void DeltaCache::keep(const void* delta, std::size_t piece, const Piece& decoded) {
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

DeltaStore::DeltaStore(const PartSource& stored, const PartSource& base, run::PerProcess<DeltaCache>& cache)
    : stored_(stored), base_(base), cache_(&cache) {
  const model::Recipe& recipe = stored.recipe;
  if (recipe.stored_length == 0) {
    if (base.recipe.decoded_length == recipe.decoded_length) return;
    throw Error(Code::malformed, "delta.base",
                "a delta without stored bytes needs a base of " + std::to_string(recipe.decoded_length) +
                    " bytes, but the base has " + std::to_string(base.recipe.decoded_length));
  }
  std::vector<std::byte> table(
      static_cast<std::size_t>(std::min<std::uint64_t>(recipe.stored_length, codec::kTableFooterBytes)));
  stored.store->read_at(recipe.offset + recipe.stored_length - table.size(), table);
  const std::uint64_t size = codec::delta_table_bytes(table, recipe.stored_length, recipe.decoded_length);
  table.resize(static_cast<std::size_t>(size));
  stored.store->read_at(recipe.offset + recipe.stored_length - size, table);
  pieces_ = codec::read_delta_table(table, recipe.stored_length, recipe.decoded_length);
}

std::size_t DeltaStore::piece_size(std::size_t number) const {
  return static_cast<std::size_t>(
      std::min<std::uint64_t>(codec::kDeltaPieceBytes, size() - number * std::uint64_t{codec::kDeltaPieceBytes}));
}

void DeltaStore::decode_with(DeltaCache::Worker& worker, std::size_t number, std::span<std::byte> out) const {
  const codec::DeltaPiece& piece = pieces_[number];
  worker.stored.resize(piece.stored);  // the table has been held against the stored bytes
  stored_.store->read_at(stored_.recipe.offset + piece.at, worker.stored);
  const codec::DeltaHead head = codec::read_delta_head(worker.stored, stored_.recipe.coding.form);
  worker.base.clear();
  if (head.mode != codec::DeltaMode::full) {
    const std::uint64_t at = number * std::uint64_t{codec::kDeltaPieceBytes}, length = base_.recipe.decoded_length;
    worker.base.resize(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), length - std::min(at, length))));
    read_bytes(base_, at, worker.base);
  }
  worker.decoder.decode(worker.stored, piece.content, worker.base, out);
}

void DeltaStore::decode(std::size_t number, std::span<std::byte> out) const {
  DeltaCache& cache = cache_->here();
  std::unique_ptr<DeltaCache::Worker> worker = cache.take(stored_.recipe.coding.form);
  decode_with(*worker, number, out);
  cache.give(std::move(worker));
}

void DeltaStore::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  if (pieces_.empty()) return read_bytes(base_, offset, out);
  while (!out.empty()) {
    const auto number = static_cast<std::size_t>(offset / codec::kDeltaPieceBytes);
    if (number >= pieces_.size()) throw Error(Code::internal, "", "a read behind the end of a delta");
    const auto from = static_cast<std::size_t>(offset % codec::kDeltaPieceBytes);
    const std::size_t size = piece_size(number), taken = std::min(out.size(), size - from);
    if (taken == size) {
      decode(number, out.first(size));
    } else {
      DeltaCache::Piece piece = cache_->here().find(this, number);
      if (!piece) {
        const auto decoded = std::make_shared<std::vector<std::byte>>(size);
        decode(number, *decoded);
        cache_->here().keep(this, number, decoded);
        piece = decoded;
      }
      std::memcpy(out.data(), piece->data() + from, taken);
    }
    offset += taken;
    out = out.subspan(taken);
  }
}

}  // namespace zt::read
