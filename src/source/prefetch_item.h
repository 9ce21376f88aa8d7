#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "read/pieces.h"
#include "read/scratch.h"
#include "ztensor/memory.h"
#include "ztensor/options.h"
#include "ztensor/prefetch.h"

namespace zt::source {

// Carries out the read of one item in steps. Errors name file, tensor and part.
class ItemReader {
 public:
  // Allocates the memory of the item. Throws if the tensor is not dense or unreadable, and as Tensor::read_slice().
  ItemReader(const PrefetchItem& item, std::optional<Verify> verify);

  std::size_t steps() const { return steps_; }
  // Any thread may do any step, each once. A step ends early if `stopped` becomes true; then the memory is incomplete.
  // A slice is one step, which may use several `threads`.
  void step(std::size_t step, read::Scratch& scratch, unsigned threads, const std::atomic<bool>& stopped);
  // Call it after the last step. Throws mismatch, malformed.
  void finish();
  Memory take_memory() { return std::move(memory_); }

 private:
  void read_pieces(std::size_t first, std::size_t last, read::Scratch& scratch, const std::atomic<bool>& stopped);

  const PrefetchItem& item_;
  std::optional<Verify> verify_;
  Memory memory_;
  std::unique_ptr<read::PieceReader> reader_;  // null for a slice
  std::size_t steps_ = 1;
};

// The bytes of the item's result, if they are known before it is read; 0 for an item that cannot be read.
std::uint64_t result_bytes(const PrefetchItem& item) noexcept;

// The numbers of the items in the order of their stored bytes. Items that cannot be read are first.
std::vector<std::size_t> reading_order(std::span<const PrefetchItem> items);

}  // namespace zt::source
