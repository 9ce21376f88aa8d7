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

// Values that were used last, up to a sum of their costs. One thread's at a time.
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
  // Nothing where it alone costs more than all may.
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
  std::list<Entry> entries_;  // the one used last is first
  std::map<Key, typename std::list<Entry>::iterator> places_;
};

// What slices of one open source leave to the next ones: how compressed parts are framed, and the pieces that were
// decoded last. So a loop over rows reads each seek table once and decodes each frame once. It belongs to a source, and
// a source to one version of a file. Any thread; none waits for another one, so that a child process that was forked in
// the middle of it does not wait for ever: what cannot be looked up at once counts as forgotten.
class SliceCache {
 public:
  static constexpr std::size_t kMostPlans = std::size_t{8} << 20;    // bytes
  static constexpr std::size_t kMostPieces = std::size_t{32} << 20;  // bytes

  using Plan = std::shared_ptr<const FramePlan>;  // null: there is no usable seek table
  using Piece = std::shared_ptr<const std::vector<std::byte>>;

  std::optional<Plan> find_plan(const model::Recipe& recipe);
  void keep_plan(const model::Recipe& recipe, const Plan& plan);
  Piece find_piece(const model::Recipe& recipe, std::size_t number);  // null: it is not there
  void keep_piece(const model::Recipe& recipe, std::size_t number, const Piece& piece);

 private:
  // The stored bytes, and what they are said to decode to.
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

  std::mutex mutex_;  // over both
  Recent<Key, Plan> plans_{kMostPlans};
  Recent<Key, Piece> pieces_{kMostPieces};
};

}  // namespace zt::read
