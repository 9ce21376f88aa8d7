#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "read/pieces.h"
#include "source/access.h"
#include "source/item_reader.h"
#include "source/state.h"
#include "ztensor/options.h"
#include "ztensor/prefetch.h"

namespace zt::source {

// Reads an item into memory that it allocates.
class HostReader final : public ItemReader {
 public:
  // Allocates the memory of the item. Throws if the tensor is not dense or unreadable, and as Tensor::read_slice().
  HostReader(const PrefetchItem& item, std::optional<Verify> verify);

  void step(std::size_t step, Hand& hand, unsigned threads, const std::atomic<bool>& stopped) override;
  void finish() override;
  Memory take_memory() override { return std::move(memory_); }

 private:
  void read_pieces(std::size_t first, std::size_t last, read::Scratch& scratch, const std::atomic<bool>& stopped);

  const PrefetchItem& item_;
  std::optional<Verify> verify_;
  Memory memory_;
  std::unique_ptr<read::PieceReader> reader_;  // null for a slice
};

// Runs `work`. An Error that leaves it names file, tensor and part.
template <class F>
decltype(auto) in_part(const Part& part, F&& work) {
  return located(*Access::state(part), Access::tensor_row(part), &row_of(part), std::forward<F>(work));
}

// The bytes of the item's result, if they are known before it is read; 0 for an item that cannot be read.
std::uint64_t result_bytes(const PrefetchItem& item) noexcept;

// The numbers of the items in the order of their stored bytes. Items that cannot be read are first.
std::vector<std::size_t> reading_order(std::span<const PrefetchItem> items);

}  // namespace zt::source
