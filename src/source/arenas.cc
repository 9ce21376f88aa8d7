#include "source/arenas.h"

#include <algorithm>
#include <utility>

#include "base/checked.h"

namespace zt::source {
namespace {

std::uint64_t rounded(std::uint64_t bytes) {
  return checked::align_up(bytes, Arenas::kAlignment).value_or(~std::uint64_t{0});
}

}  // namespace

Arenas::Arenas(std::vector<std::uint64_t> bytes, std::vector<std::size_t> order, std::uint64_t limit)
    : bytes_(std::move(bytes)),
      order_(std::move(order)),
      limit_(limit),
      usual_(std::min(kMostBytes, limit / 4)),
      arena_of_(bytes_.size(), kNone) {
  for (const std::uint64_t each : bytes_) unplaced_ = checked::add_up(unplaced_, rounded(each));
}

std::optional<Arenas::Batch> Arenas::next(std::optional<std::size_t> urgent) const {
  Batch batch;
  const auto add = [&](std::size_t item) {
    batch.items.push_back(item);
    batch.offsets.push_back(batch.bytes);
    batch.bytes = checked::add_up(batch.bytes, rounded(bytes_[item]));
  };
  if (urgent) {
    add(*urgent);
    return batch;
  }
  const std::uint64_t room = limit_ - std::min(limit_, held_);
  if (held_ != 0 && room < std::min(usual_, unplaced_)) return std::nullopt;
  bool is_full = false;
  for (std::size_t i = first_; i < order_.size() && !is_full; ++i) {
    if (has_memory(order_[i])) continue;
    const std::uint64_t end = checked::add_up(batch.bytes, rounded(bytes_[order_[i]]));
    const bool alone = batch.items.empty() && (end <= room || held_ == 0);
    is_full = !alone && (end > usual_ || end > room);
    if (!is_full) add(order_[i]);
  }
  if (batch.items.empty()) return std::nullopt;
  return batch;
}

void Arenas::placed(const Batch& batch) {
  for (const std::size_t item : batch.items) arena_of_[item] = arenas_.size();
  arenas_.push_back({.bytes = batch.bytes, .left = batch.items.size()});
  held_ = checked::add_up(held_, batch.bytes);
  unplaced_ -= std::min(unplaced_, batch.bytes);
  while (first_ < order_.size() && has_memory(order_[first_])) ++first_;
}

void Arenas::refused(const Batch& batch) { usual_ = std::min(usual_, batch.bytes / 2); }

void Arenas::handed_out(std::size_t item) {
  Arena& arena = arenas_[arena_of_[item]];
  if (--arena.left == 0) held_ -= std::min(held_, arena.bytes);
}

}  // namespace zt::source
