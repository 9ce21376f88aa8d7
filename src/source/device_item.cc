#include "source/device_item.h"

#include <algorithm>
#include <string>
#include <utility>

#include "read/frames.h"
#include "read/part_source.h"
#include "run/progress.h"
#include "source/prefetch_item.h"
#include "source/tensor_slice.h"
#include "ztensor/dtype.h"
#include "ztensor/error.h"
#include "ztensor/memory.h"

namespace zt::source {
namespace {

std::uint64_t whole_bytes(const Tensor& tensor) {
  check_layout(tensor, "dense");
  return byte_length(tensor.dtype(), tensor.elements()).value_or(0);
}

// Whether a block of a slice can be read without the blocks before it, or the whole blob.
bool has_cheap_blocks(const read::PartSource& part) {
  if (part.view && !read::is_range(*part.view)) return false;
  return part.recipe.coding.is_raw() || read::find_frames(*part.store, part.recipe).has_value();
}

}  // namespace

DeviceReader::DeviceReader(const PrefetchItem& item, std::optional<Verify> verify, DevicePlace place,
                           const std::atomic<bool>& stopped)
    : item_(item), place_(std::move(place)) {
  const Tensor& tensor = item.tensor;
  const std::uint64_t bytes = item.selection ? slice_bytes(tensor, *item.selection) : whole_bytes(tensor);
  const Part part = tensor.data();
  const model::PartRow& row = row_of(part);
  const SourceState& state = *Access::state(part);
  in_part(part, [&] {
    if (bytes != place_.bytes) {
      throw Error(Code::usage, "",
                  "the memory on the device has " + std::to_string(place_.bytes) + " bytes: give it " +
                      std::to_string(bytes) + ", those of the elements");
    }
    if (item.selection) {
      run::Meter meter([&](std::uint64_t, std::uint64_t) { return !stopped; }, 0);
      check_if_wanted(state, part, verify, 1, meter);
      if (!has_cheap_blocks(state.part_source(row, row.recipe))) return;
      blocks_.emplace(tensor.shape(), *item.selection, dtype_bits(tensor.dtype()) / 8, device::kSlotBytes);
      steps_ = blocks_->count();
      return;
    }
    const model::Recipe recipe = state.measured(row);
    if (recipe.decoded_length != bytes) {
      throw Error(Code::malformed, "part.length",
                  "the part has " + std::to_string(recipe.decoded_length) + " bytes, but its shape needs " +
                      std::to_string(bytes));
    }
    reader_ = std::make_unique<read::PieceReader>(state.part_source(row, recipe), verify.value_or(state.options.verify),
                                                  read::Use::any);
    const std::size_t pieces = reader_->pieces();
    if (pieces != 0 && reader_->piece_length(0) != 0) {
      pieces_in_slot_ = std::max<std::size_t>(1, device::kSlotBytes / reader_->piece_length(0));
    }
    steps_ = reader_->ordered() && pieces != 0 ? 1 : pieces / pieces_in_slot_ + (pieces % pieces_in_slot_ != 0);
  });
}

void DeviceReader::step(std::size_t step, Hand& hand, unsigned, const std::atomic<bool>& stopped) {
  if (place_.ready && !place_.ready->has_passed()) {
    hand.copier->rest();  // others may need the slots
    place_.ready->wait();
  }
  const auto goes_on = [&](std::uint64_t, std::uint64_t) { return !stopped; };
  if (item_.selection && !blocks_) {
    const Memory whole = allocate(static_cast<std::size_t>(place_.bytes));
    read_slice(item_.tensor, *item_.selection, whole.bytes, {Verify::never, 1, goes_on});
    hand.copier->send_through(place_.address, whole.bytes);
    return;
  }
  if (blocks_) {
    const SliceBlock block = blocks_->block(step);
    const auto size = static_cast<std::size_t>(block.bytes);
    read_slice(item_.tensor, block.selection, hand.copier->buffer().first(size), {Verify::never, 1, goes_on});
    hand.copier->send(place_.address + block.offset, size);
    return;
  }
  in_part(item_.tensor.data(), [&] {
    if (reader_->ordered()) {
      send_pieces(0, reader_->pieces(), hand, stopped);
    } else {
      const std::size_t first = step * pieces_in_slot_;
      send_pieces(first, std::min(first + pieces_in_slot_, reader_->pieces()), hand, stopped);
    }
  });
}

// Fills a slot with as many pieces as it has room for, sends it, and goes on.
void DeviceReader::send_pieces(std::size_t first, std::size_t last, Hand& hand, const std::atomic<bool>& stopped) {
  device::Copier& copier = *hand.copier;
  for (std::size_t piece = first; piece < last && !stopped;) {
    const device::Address to = place_.address + reader_->piece_offset(piece);
    if (const std::size_t length = reader_->piece_length(piece); length > device::kSlotBytes) {
      hand.scratch.decoded.resize(length);
      reader_->read(piece++, hand.scratch.decoded, hand.scratch);
      copier.send_through(to, hand.scratch.decoded);
      continue;
    }
    const std::span<std::byte> slot = copier.buffer();
    std::size_t used = 0;
    while (piece < last && reader_->piece_length(piece) <= slot.size() - used) {
      const std::size_t length = reader_->piece_length(piece);
      reader_->read(piece++, slot.subspan(used, length), hand.scratch);
      used += length;
    }
    if (used != 0) copier.send(to, used);
  }
}

void DeviceReader::finish() {
  if (!reader_) return;
  in_part(item_.tensor.data(), [&] { reader_->finish(); });
  reader_.reset();
}

std::uint64_t device_bytes(const PrefetchItem& item) noexcept {
  try {
    return item.selection ? slice_bytes(item.tensor, *item.selection) : whole_bytes(item.tensor);
  } catch (...) {
    return 0;  // the reader throws the same
  }
}

}  // namespace zt::source
