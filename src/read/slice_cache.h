#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "model/recipe.h"
#include "read/frames.h"

namespace zt::read {

// The most recently used values, up to a sum of their costs. For one thread at a time.
template <class Key, class Value>
class Recent {
 public:
  explicit Recent(std::size_t most) : most_(most) {}

  const Value* find(const Key& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->value;
  }
  // Keeps nothing if the value alone costs more than the limit.
  void keep(const Key& key, Value value, std::size_t cost) {
    if (cost > most_ || places_.contains(key)) return;
    entries_.push_front({key, std::move(value), cost});
    places_.emplace(key, entries_.begin());
    cost_ += cost;
    while (cost_ > most_) {
      cost_ -= entries_.back().cost;
      places_.erase(entries_.back().key);
      entries_.pop_back();
    }
  }
  std::size_t cost() const { return cost_; }

 private:
  struct Entry {
    Key key;
    Value value;
    std::size_t cost;
  };
  std::size_t most_;
  std::size_t cost_ = 0;
  std::list<Entry> entries_;  // the most recently used is first
  std::map<Key, typename std::list<Entry>::iterator> places_;
};

// What slices of one open source leave to the next slices: the frames of compressed parts, and the pieces that were
// decoded last. So a loop over rows reads each seek table once and decodes each frame once. A cache belongs to a
// source, and a source to one version of a file. Any thread of one process: a forked child needs a cache of its own.
class SliceCache {
 public:
  static constexpr std::size_t kMostPlans = std::size_t{8} << 20;    // bytes
  static constexpr std::size_t kMostPieces = std::size_t{32} << 20;  // bytes

  using Plan = std::shared_ptr<const FramePlan>;  // null: no usable seek table
  using Piece = std::shared_ptr<const std::vector<std::byte>>;

  std::optional<Plan> find_plan(const model::Recipe& recipe);
  void keep_plan(const model::Recipe& recipe, const Plan& plan);
  Piece find_piece(const model::Recipe& recipe, std::size_t number);  // null: not in the cache
  void keep_piece(const model::Recipe& recipe, std::size_t number, const Piece& piece);

 private:
  // The stored bytes, and the length that the file claims for them.
  struct Key {
    std::uint64_t offset;
    std::uint64_t stored_length;
    std::uint64_t decoded_length;
    std::uint16_t file;
    model::Coding coding;
    std::size_t piece = 0;
    friend auto operator<=>(const Key&, const Key&) = default;  // NOLINT(modernize-use-nullptr)
  };
  static Key key_of(const model::Recipe& recipe, std::size_t piece = 0) {
    return {recipe.offset, recipe.stored_length, recipe.decoded_length, recipe.file, recipe.coding, piece};
  }

  std::mutex mutex_;  // guards both caches
  Recent<Key, Plan> plans_{kMostPlans};
  Recent<Key, Piece> pieces_{kMostPieces};
};

}  // namespace zt::read
