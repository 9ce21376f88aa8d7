#include "read/slice.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>
#include <vector>

namespace zt::read {
namespace {

constexpr std::uint64_t kBlockBytes = std::uint64_t{256} << 10;  // read at once where small runs lie close together
constexpr std::uint64_t kNear = std::uint64_t{64} << 10;         // as close as this

// Decoded bytes of a part at any place, with the last block kept.
class Window {
 public:
  // `stride`: how far apart the wanted runs are.
  Window(const PartSource& part, std::uint64_t stride)
      : part_(part), near_(stride <= kNear), raw_offset_(part.recipe.offset) {
    const bool plain = part.view == nullptr || (is_range(*part.view) && part.view->swap_bytes == 0);
    if (plain && part.view != nullptr) raw_offset_ += part.view->start;
    if (!plain || part.recipe.coding != model::Coding::raw) reader_.emplace(part, Verify::never);
  }

  void fetch(std::uint64_t offset, std::span<std::byte> out) {
    if (!reader_ && (!near_ || out.size() >= kBlockBytes)) {
      part_.store->read_at(raw_offset_ + offset, out);
      return;
    }
    while (!out.empty()) {
      load(offset);
      const auto from = static_cast<std::size_t>(offset - start_);
      const std::size_t taken = std::min(block_.size() - from, out.size());
      std::memcpy(out.data(), block_.data() + from, taken);
      out = out.subspan(taken);
      offset += taken;
    }
  }

 private:
  void load(std::uint64_t offset) {
    if (!block_.empty() && offset >= start_ && offset - start_ < block_.size()) return;
    if (!reader_) {
      start_ = offset - offset % kBlockBytes;
      block_.resize(static_cast<std::size_t>(std::min(kBlockBytes, part_.recipe.decoded_length - start_)));
      part_.store->read_at(raw_offset_ + start_, block_);
    } else if (!reader_->ordered()) {
      load_piece(reader_->piece_at(offset));
    } else {
      // A stream without a seek table can only be decoded from its start. A step back begins again; it takes a run
      // that is asked for twice and lies in two pieces.
      if (!block_.empty() && offset < start_) {
        reader_.emplace(part_, Verify::never);
        next_ = 0;
      }
      while (next_ * kPieceBytes <= offset) load_piece(next_++);
    }
  }

  void load_piece(std::size_t piece) {
    start_ = reader_->piece_offset(piece);
    block_.resize(reader_->piece_length(piece));
    reader_->read(piece, block_, scratch_);
  }

  PartSource part_;
  bool near_;
  std::uint64_t raw_offset_;
  std::optional<PieceReader> reader_;  // of a part that is not raw bytes in a row
  Scratch scratch_;
  std::size_t next_ = 0;
  std::uint64_t start_ = 0;
  std::vector<std::byte> block_;
};

std::uint64_t position(const AxisSelection& axis, std::uint64_t i) {
  if (!axis.list.empty()) return axis.list[i];
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(axis.start) + static_cast<std::int64_t>(i) * axis.step);
}

bool is_whole(const AxisSelection& axis, std::uint64_t size) {
  return axis.list.empty() && axis.start == 0 && axis.count == size && axis.step == 1;
}

// One axis in the order of places, whatever the order asked for: so nothing of a stream is decoded twice.
class Walk {
 public:
  explicit Walk(const AxisSelection& axis) : axis_(axis) {
    if (std::is_sorted(axis.list.begin(), axis.list.end())) return;
    order_.resize(axis.list.size());
    std::iota(order_.begin(), order_.end(), std::uint64_t{0});
    std::sort(order_.begin(), order_.end(),
              [&](std::uint64_t a, std::uint64_t b) { return axis.list[a] < axis.list[b]; });
  }
  // Which of the selected ones comes as number `i`.
  std::uint64_t selected(std::uint64_t i) const {
    if (!order_.empty()) return order_[i];
    return axis_.list.empty() && axis_.step < 0 ? axis_.count - 1 - i : i;
  }

 private:
  const AxisSelection& axis_;
  std::vector<std::uint64_t> order_;  // empty: forwards or backwards
};

}  // namespace

void read_slice(const PartSource& part, std::span<const std::uint64_t> shape, std::size_t element_bytes,
                const Selection& selection, std::span<std::byte> out) {
  if (out.empty()) return;
  const std::size_t rank = shape.size();
  std::vector<std::uint64_t> strides(rank);
  std::uint64_t stride = element_bytes;
  for (std::size_t i = rank; i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  // Axes from `split` on are one run: whole ones, and above them one that is taken in steps of one.
  std::size_t split = rank;
  while (split > 0 && is_whole(selection[split - 1], shape[split - 1])) --split;
  std::uint64_t run = split < rank ? strides[split] * shape[split] : element_bytes;
  std::uint64_t base = 0;
  if (split > 0 && selection[split - 1].list.empty() && selection[split - 1].step == 1) {
    --split;
    run = selection[split].count * strides[split];
    base = selection[split].start * strides[split];
  }
  Window window(part, split > 0 ? strides[split - 1] : 0);
  const std::vector<Walk> walks(selection.begin(), selection.begin() + static_cast<std::ptrdiff_t>(split));
  std::vector<std::uint64_t> places(split);  // bytes of `out` from one selected position to the next, by axis
  std::uint64_t place = run;
  for (std::size_t i = split; i-- > 0;) {
    places[i] = place;
    place *= selection[i].size();
  }
  std::vector<std::uint64_t> index(split);
  for (std::uint64_t left = out.size() / run; left > 0; --left) {
    std::uint64_t offset = base;
    std::uint64_t to = 0;
    for (std::size_t i = 0; i < split; ++i) {
      const std::uint64_t selected = walks[i].selected(index[i]);
      offset += position(selection[i], selected) * strides[i];
      to += selected * places[i];
    }
    window.fetch(offset, out.subspan(static_cast<std::size_t>(to), static_cast<std::size_t>(run)));
    for (std::size_t i = split; i-- > 0;) {
      if (++index[i] < selection[i].size()) break;
      index[i] = 0;
    }
  }
}

}  // namespace zt::read
