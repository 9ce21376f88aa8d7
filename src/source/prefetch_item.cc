#include "source/prefetch_item.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "run/arena.h"
#include "source/tensor_slice.h"
#include "ztensor/error.h"

namespace zt::source {
namespace {

Memory memory_of(std::uint64_t bytes) {
  run::Buffer memory = run::allocate_returned(static_cast<std::size_t>(bytes));
  return {.owner = std::move(memory.owner), .bytes = memory.bytes};
}

using StoredAt = std::tuple<const void*, std::uint32_t, std::uint64_t>;  // the source, the file and the offset in it

StoredAt stored_at(const PrefetchItem& item) {
  const auto part = item.tensor.unreadable() ? std::nullopt : item.tensor.find_part("data");
  if (!part) return {};
  return {Access::state(item.tensor).get(), part->file_number(), part->offset()};
}

}  // namespace

HostReader::HostReader(const PrefetchItem& item, std::optional<Verify> verify) : item_(item), verify_(verify) {
  const Tensor& tensor = item.tensor;
  if (item.selection) {
    memory_ = memory_of(slice_bytes(tensor, *item.selection));
    return;
  }
  check_layout(tensor, "dense");
  const Part part = tensor.data();
  const model::PartRow& row = row_of(part);
  in_part(part, [&] {
    const SourceState& state = *Access::state(part);
    const model::Recipe recipe = state.measured(row);
    memory_ = memory_of(recipe.decoded_length);
    reader_ = std::make_unique<read::PieceReader>(state.part_source(row, recipe),
                                                  verify_.value_or(state.options.verify), read::Use::lasting);
  });
  steps_ = reader_->ordered() && reader_->pieces() != 0 ? 1 : reader_->pieces();
}

void HostReader::step(std::size_t step, Hand& hand, unsigned threads, const std::atomic<bool>& stopped) {
  if (item_.selection) {
    const auto goes_on = [&](std::uint64_t, std::uint64_t) { return !stopped; };
    read_slice(item_.tensor, *item_.selection, memory_.bytes, {verify_, threads, goes_on});
    return;
  }
  in_part(item_.tensor.data(), [&] {
    if (reader_->ordered()) {
      read_pieces(0, reader_->pieces(), hand.scratch, stopped);
    } else {
      read_pieces(step, step + 1, hand.scratch, stopped);
    }
  });
}

void HostReader::read_pieces(std::size_t first, std::size_t last, read::Scratch& scratch,
                             const std::atomic<bool>& stopped) {
  for (std::size_t piece = first; piece < last && !stopped; ++piece) {
    std::span<std::byte> out = memory_.bytes;
    if (!reader_->scatters()) {
      out = out.subspan(static_cast<std::size_t>(reader_->piece_offset(piece)), reader_->piece_length(piece));
    }
    reader_->read(piece, out, scratch);
  }
}

void HostReader::finish() {
  if (!reader_) return;
  in_part(item_.tensor.data(), [&] { reader_->finish(); });
  reader_.reset();
}

std::uint64_t result_bytes(const PrefetchItem& item) noexcept {
  try {
    if (item.selection) return slice_bytes(item.tensor, *item.selection);
    check_layout(item.tensor, "dense");
    return item.tensor.data().length().value_or(0);
  } catch (...) {
    return 0;  // the reader throws the same
  }
}

std::vector<std::size_t> reading_order(std::span<const PrefetchItem> items) {
  std::vector<StoredAt> places;
  places.reserve(items.size());
  for (const PrefetchItem& item : items) places.push_back(stored_at(item));
  std::vector<std::size_t> order(items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t index) { return places[index]; });
  return order;
}

}  // namespace zt::source
