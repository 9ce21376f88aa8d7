#include "read/slice_cache.h"

namespace zt::read {

std::optional<SliceCache::Plan> SliceCache::find_plan(const model::Recipe& recipe) {
  const std::lock_guard lock(mutex_);
  const Plan* found = plans_.find(key_of(recipe));
  return found == nullptr ? std::nullopt : std::optional(*found);
}

void SliceCache::keep_plan(const model::Recipe& recipe, const Plan& plan) {
  std::size_t cost = 256;  // of an entry
  if (plan) {
    cost += plan->frames.size() * sizeof(codec::FrameSize) + plan->starts.size() * sizeof(std::uint64_t) +
            plan->table.size();
  }
  const std::lock_guard lock(mutex_);
  plans_.keep(key_of(recipe), plan, cost);
}

SliceCache::Piece SliceCache::find_piece(const model::Recipe& recipe, std::size_t number) {
  const std::lock_guard lock(mutex_);
  const Piece* found = pieces_.find(key_of(recipe, number));
  return found == nullptr ? nullptr : *found;
}

void SliceCache::keep_piece(const model::Recipe& recipe, std::size_t number, const Piece& piece) {
  const std::lock_guard lock(mutex_);
  pieces_.keep(key_of(recipe, number), piece, piece->size() + 256);
}

}  // namespace zt::read
