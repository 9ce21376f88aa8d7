#include "read/slice_cache.h"

namespace zt::read {

std::optional<SliceCache::Plan> SliceCache::find_plan(const model::Recipe& recipe) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  const Plan* found = lock ? plans_.find(key_of(recipe)) : nullptr;
  return found == nullptr ? std::nullopt : std::optional(*found);
}

void SliceCache::keep_plan(const model::Recipe& recipe, const Plan& plan) {
  std::size_t cost = 256;  // of an entry
  if (plan) {
    cost += plan->frames.size() * sizeof(codec::FrameSize) + plan->starts.size() * sizeof(std::uint64_t) +
            plan->table.size();
  }
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (lock) plans_.keep(key_of(recipe), plan, cost);
}

SliceCache::Piece SliceCache::find_piece(const model::Recipe& recipe, std::size_t number) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  const Piece* found = lock ? pieces_.find(key_of(recipe, number)) : nullptr;
  return found == nullptr ? nullptr : *found;
}

void SliceCache::keep_piece(const model::Recipe& recipe, std::size_t number, const Piece& piece) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (lock) pieces_.keep(key_of(recipe, number), piece, piece->size() + 256);
}

}  // namespace zt::read
