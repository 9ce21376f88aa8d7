#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace zt::source {

// Which items of a prefetch get memory on a device, and when. Items that are read one after the other share an
// allocation, an arena, where each begins at a multiple of kAlignment. An arena counts until all of its items are
// handed out.
class Arenas {
 public:
  static constexpr std::uint64_t kAlignment = 512;
  static constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;  // of an arena with several items

  struct Batch {
    std::vector<std::size_t> items;
    std::vector<std::uint64_t> offsets;  // of each item in the arena
    std::uint64_t bytes = 0;             // of the arena
  };

  // `bytes`: of each item. `order`: all items, as they are read. `limit`: of the bytes of arenas that count.
  Arenas(std::vector<std::uint64_t> bytes, std::vector<std::size_t> order, std::uint64_t limit);

  bool has_memory(std::size_t item) const { return arena_of_[item] != kNone; }
  // The items for the next arena; nothing as long as there should be none. Few large arenas are better than many small
  // ones, so it waits for room as long as items are left to be handed out. An `urgent` item gets an arena at once.
  std::optional<Batch> next(std::optional<std::size_t> urgent) const;
  void placed(const Batch& batch);
  void handed_out(std::size_t item);
  // There was no memory for a batch: the next ones are smaller, down to one item.
  void refused(const Batch& batch);
  // Whether nothing is left whose end would give room.
  bool is_empty() const { return held_ == 0; }

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};
  struct Arena {
    std::uint64_t bytes;
    std::size_t left;  // items that are not handed out
  };

  std::vector<std::uint64_t> bytes_;
  std::vector<std::size_t> order_;
  std::uint64_t limit_;
  std::uint64_t usual_;  // bytes of an arena
  std::vector<std::size_t> arena_of_;
  std::vector<Arena> arenas_;
  std::size_t first_ = 0;  // of order_ that has no memory
  std::uint64_t held_ = 0;
  std::uint64_t unplaced_ = 0;  // bytes of arenas for the items without memory
};

}  // namespace zt::source
