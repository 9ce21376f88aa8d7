#include "read/slice.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "read/fetcher.h"
#include "read/gather.h"
#include "read/part_plan.h"
#include "read/piece_decoder.h"
#include "read/runs.h"
#include "read/scratch.h"
#include "read/ways.h"
#include "run/parallel.h"

namespace zt::read {
namespace {

constexpr std::size_t kBatch = 16384;                     // runs that are planned at once
constexpr std::uint64_t kStep = std::uint64_t{64} << 20;  // raw bytes to read between two polls of the meter

// Copies a run that is longer than a step, step by step.
void copy_long(const Fetcher& fetcher, std::uint64_t offset, std::span<std::byte> out, run::Meter& meter) {
  while (!out.empty()) {
    const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(kStep, out.size()));
    fetcher.fetch({offset, step}, out.first(step));
    meter.add(step);
    meter.poll();
    offset += step;
    out = out.subspan(step);
  }
}

void copy_raw(const PartSource& blob, std::uint64_t base, Runs& runs, std::span<std::byte> out, run::Meter& meter) {
  const Fetcher fetcher(*blob.store);
  const auto length = static_cast<std::size_t>(runs.length());
  const auto most = static_cast<std::size_t>(std::clamp<std::uint64_t>(kStep / runs.length(), 1, kBatch));
  std::vector<Run> batch;
  std::vector<ReadAt> reads;
  while (runs.next(most, batch)) {
    reads.clear();
    for (const Run& run : batch) {
      reads.push_back({blob.recipe.offset + base + run.from, out.subspan(static_cast<std::size_t>(run.to), length)});
    }
    if (length > kStep) {
      for (const ReadAt& read : reads) copy_long(fetcher, read.offset, read.out, meter);
      continue;
    }
    // Inner axes that list a position twice step back.
    if (!std::ranges::is_sorted(reads, {}, &ReadAt::offset)) std::ranges::stable_sort(reads, {}, &ReadAt::offset);
    fetcher.fetch(reads);
    meter.add(reads.size() * length);
    meter.poll();
  }
}

// A copy of some bytes of one piece.
struct Copy {
  std::size_t piece;
  std::size_t from;  // offset in the piece
  std::uint64_t to;
  std::size_t length;
};

std::vector<Copy> copies_of(const PartPlan& plan, std::uint64_t base, std::span<const Run> runs, std::uint64_t length) {
  std::vector<Copy> copies;
  for (const Run& run : runs) {
    for (std::uint64_t done = 0; done < length;) {
      const std::uint64_t at = base + run.from + done;
      const std::size_t number = plan.piece_at(at);
      const Region piece = plan.piece(number).decoded;
      const std::uint64_t taken = std::min(length - done, piece.offset + piece.length - at);
      copies.push_back(
          {number, static_cast<std::size_t>(at - piece.offset), run.to + done, static_cast<std::size_t>(taken)});
      done += taken;
    }
  }
  const auto by_piece = [](const Copy& copy) { return copy.piece; };
  if (!std::ranges::is_sorted(copies, {}, by_piece)) std::ranges::stable_sort(copies, {}, by_piece);
  return copies;
}

// Copies out of pieces that are decoded in parallel, each once in a batch.
class FrameSlice {
 public:
  FrameSlice(const PartSource& blob, const PartPlan& plan, const SliceMeans& means, std::span<std::byte> out)
      : blob_(blob), fetcher_(*blob.store), plan_(plan), means_(means), out_(out) {}

  void copy(std::span<const Copy> copies) {
    std::vector<std::span<const Copy>> items;  // one for each piece
    std::uint64_t bytes = 0;
    for (std::size_t first = 0, last = 0; first < copies.size(); first = last) {
      while (last < copies.size() && copies[last].piece == copies[first].piece) ++last;
      items.push_back(copies.subspan(first, last - first));
      bytes += plan_.piece(copies[first].piece).decoded.length;
    }
    run::parallel_for(items.size(), bytes, means_.threads, *means_.meter, [&](std::size_t i) {
      std::unique_ptr<Scratch> scratch = scratches_.take();
      // The next slice or batch may need the first or the last piece of this one.
      carry(items[i], i == 0 || i + 1 == items.size(), *scratch);
      for (const Copy& copy : items[i]) means_.meter->add(copy.length);
      scratches_.give(std::move(scratch));
    });
  }

 private:
  void carry(std::span<const Copy> copies, bool is_edge, Scratch& scratch) {
    const std::size_t number = copies.front().piece;
    const auto length = static_cast<std::size_t>(plan_.piece(number).decoded.length);
    if (copies.size() == 1 && copies.front().length == length) {
      decode(number, out_.subspan(static_cast<std::size_t>(copies.front().to), length), scratch);
    } else if (is_edge && means_.cache != nullptr) {
      copy_from(*shared_piece(number, length, scratch), copies);
    } else {
      scratch.decoded.resize(length);
      decode(number, scratch.decoded, scratch);
      copy_from(scratch.decoded, copies);
    }
  }

  SliceCache::Piece shared_piece(std::size_t number, std::size_t length, Scratch& scratch) {
    if (SliceCache::Piece found = means_.cache->find_piece(blob_.recipe, number)) return found;
    const auto piece = std::make_shared<std::vector<std::byte>>(length);
    decode(number, *piece, scratch);
    means_.cache->keep_piece(blob_.recipe, number, piece);
    return piece;
  }

  void decode(std::size_t number, std::span<std::byte> out, Scratch& scratch) {
    const Region stored = plan_.piece(number).stored;
    scratch.stored.resize(static_cast<std::size_t>(stored.length));  // checked against the file at open
    fetcher_.fetch(stored, scratch.stored);
    decode_piece(scratch.decoders.of(blob_.recipe.coding.codec, blob_.recipe.coding.form), plan_.frames_of(number),
                 scratch.stored, out);
  }

  void copy_from(std::span<const std::byte> piece, std::span<const Copy> copies) {
    for (const Copy& copy : copies) std::memcpy(out_.data() + copy.to, piece.data() + copy.from, copy.length);
  }

  const PartSource& blob_;
  Fetcher fetcher_;
  const PartPlan& plan_;
  const SliceMeans& means_;
  std::span<std::byte> out_;
  Scratches scratches_;
};

// The frames of a blob; null if there is no usable seek table. Throws if a table is required.
SliceCache::Plan find_plan(const PartSource& blob, SliceCache* cache) {
  const model::Recipe& recipe = blob.recipe;
  if (cache != nullptr) {
    if (auto known = cache->find_plan(recipe)) return *std::move(known);
  }
  auto found = recipe.coding.framing == model::Framing::seekable ? std::optional(require_frames(*blob.store, recipe))
                                                                 : find_frames(*blob.store, recipe);
  SliceCache::Plan plan;
  if (found) {
    found->table = {};  // no digest is computed
    plan = std::make_shared<const FramePlan>(*std::move(found));
  }
  if (cache != nullptr) cache->keep_plan(recipe, plan);
  return plan;
}

// A stream without a seek table can only be decoded from its start, and a step back starts anew. A step back happens if
// a run is asked for twice and spans two pieces.
class StreamSlice {
 public:
  StreamSlice(const PartSource& blob, run::Meter& meter)
      : blob_(blob), meter_(meter), pieces_(open_stream(blob_, Verify::never)) {}

  void copy(std::uint64_t offset, std::span<std::byte> out) {
    while (!out.empty()) {
      load(offset);
      const auto from = static_cast<std::size_t>(offset - start_);
      const std::size_t taken = std::min(block_.size() - from, out.size());
      std::memcpy(out.data(), block_.data() + from, taken);
      meter_.add(taken);
      out = out.subspan(taken);
      offset += taken;
    }
  }

 private:
  void load(std::uint64_t offset) {
    if (!block_.empty() && offset >= start_ && offset - start_ < block_.size()) return;
    if (!block_.empty() && offset < start_) {
      pieces_ = open_stream(blob_, Verify::never);
      next_ = 0;
    }
    while (next_ * kPieceBytes <= offset) {
      start_ = pieces_->offset(next_);
      block_.resize(pieces_->length(next_));
      pieces_->read(next_++, block_, scratch_);
      meter_.poll();
    }
  }

  PartSource blob_;
  run::Meter& meter_;
  std::unique_ptr<Pieces> pieces_;
  Scratch scratch_;
  std::size_t next_ = 0;
  std::uint64_t start_ = 0;
  std::vector<std::byte> block_;
};

void copy_decoded(const PartSource& blob, std::uint64_t base, Runs& runs, std::span<std::byte> out,
                  const SliceMeans& means) {
  const auto length = static_cast<std::size_t>(runs.length());
  std::vector<Run> batch;
  if (const SliceCache::Plan frames = find_plan(blob, means.cache)) {
    const PartPlan plan = PartPlan::of_frames(blob.recipe.offset, blob.recipe.decoded_length, frames);
    FrameSlice slice(blob, plan, means, out);
    while (runs.next(kBatch, batch)) slice.copy(copies_of(plan, base, batch, length));
    return;
  }
  StreamSlice stream(blob, *means.meter);
  while (runs.next(kBatch, batch)) {
    for (const Run& run : batch) stream.copy(base + run.from, out.subspan(static_cast<std::size_t>(run.to), length));
  }
}

// For elements that are stored in another order than the tensor's. Reads all of them, then copies the selected ones.
void copy_gathered(const PartSource& part, Runs& runs, std::span<std::byte> out, run::Meter& meter) {
  std::vector<std::byte> all(static_cast<std::size_t>(part.recipe.decoded_length));
  Scratch scratch;
  const std::unique_ptr<Pieces> pieces = open_gathered(part, Verify::never, Use::lasting);
  for (std::size_t i = 0; i < pieces->count(); ++i) {
    pieces->read(i, all, scratch);
    meter.poll();
  }
  pieces->finish();
  std::vector<Run> batch;
  while (runs.next(kBatch, batch)) {
    for (const Run& run : batch) std::memcpy(out.data() + run.to, all.data() + run.from, runs.length());
  }
  meter.add(out.size());
}

}  // namespace

void read_slice(const PartSource& part, std::span<const std::uint64_t> shape, std::size_t element_bytes,
                const Picks& selection, std::span<std::byte> out, const SliceMeans& wanted) {
  if (out.empty()) return;
  run::Meter unheard;
  SliceMeans means = wanted;
  if (means.meter == nullptr) means.meter = &unheard;
  Runs runs(shape, element_bytes, selection);
  if (part.view && !is_range(*part.view)) {
    if (std::ranges::equal(part.view->shape, shape)) return gather_selected(part, selection, out, means);
    return copy_gathered(part, runs, out, *means.meter);
  }
  PartSource blob = part.view ? blob_of(part) : part;
  blob.recipe.swap = 0;  // words are swapped in the result
  const std::uint64_t base = part.view ? part.view->start : 0;
  if (part.recipe.coding.is_raw()) {
    copy_raw(blob, base, runs, out, *means.meter);
  } else {
    copy_decoded(blob, base, runs, out, means);
  }
  swap_words(out, part.recipe.swap);
}

}  // namespace zt::read
