#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "read/gather.h"
#include "read/scatter.h"
#include "read/ways.h"
#include "run/parallel.h"
#include "ztensor/error.h"

namespace zt::read {
namespace {

// Copies the elements of a part to their places while the pieces of its blob pass.
class Gather {
 public:
  Gather(const PartSource& part, Verify verify)
      : scatter_(*part.view),
        swap_(part.recipe.swap),
        flip_(part.view->flip),
        element_bytes_(part.view->element_bytes),
        blob_(open_blob(blob_of(part), verify, Use::any)) {}

  std::size_t pieces() const { return blob_->count(); }
  bool ordered() const { return blob_->ordered(); }
  void read(std::size_t piece, std::span<std::byte> all, Scratch& scratch) {
    const Region window{blob_->offset(piece), blob_->length(piece)};
    if (blob_->may_skip() && !scatter_.touches(window)) return;
    scratch.window.resize(static_cast<std::size_t>(window.length));
    blob_->read(piece, scratch.window, scratch);
    scatter_.place(window.offset, scratch.window, all);
  }
  void finish(std::span<std::byte> all) {
    blob_->finish();
    swap_words(all, swap_);
    flip_signs(all, flip_, element_bytes_);
  }

 private:
  Scatter scatter_;
  std::size_t swap_;
  model::Flip flip_;
  std::size_t element_bytes_;
  std::unique_ptr<Pieces> blob_;
};

// For a caller that has memory for all elements.
class ScatteredPieces final : public Pieces {
 public:
  ScatteredPieces(const PartSource& part, Verify verify) : gather_(part, verify) {
    length_ = part.recipe.decoded_length;
    count_ = gather_.pieces();
    ordered_ = gather_.ordered();
    scatters_ = true;
  }
  void read(std::size_t piece, std::span<std::byte> out, Scratch& scratch) override {
    all_.store(out.data(), std::memory_order_relaxed);  // the same each time
    gather_.read(piece, out, scratch);
  }
  void finish() override {
    std::byte* all = all_.load(std::memory_order_relaxed);
    gather_.finish({all, all == nullptr ? 0 : static_cast<std::size_t>(length_)});
  }

 private:
  Gather gather_;
  std::atomic<std::byte*> all_ = nullptr;
};

// For a caller that wants pieces. Gathers all elements when the first piece is asked for.
class GatheredPieces final : public Pieces {
 public:
  GatheredPieces(const PartSource& part, Verify verify) : gather_(part, verify) {
    count_plain(part.recipe.decoded_length);
  }
  void read(std::size_t piece, std::span<std::byte> out, Scratch& scratch) override {
    load(scratch);
    std::memcpy(out.data(), elements_.data() + offset(piece), out.size());
  }
  void finish() override {  // an empty part may lie in a blob that is not empty, whose digest must be checked
    Scratch scratch;
    load(scratch);
  }

 private:
  // Remembers a failure: decoding again for each piece would repeat all the work.
  void load(Scratch& scratch) {
    const std::lock_guard lock(mutex_);
    if (failure_) throw *failure_;
    if (loaded_) return;
    try {
      elements_.resize(static_cast<std::size_t>(length_));
      for (std::size_t i = 0; i < gather_.pieces(); ++i) gather_.read(i, elements_, scratch);
      gather_.finish(elements_);
      loaded_ = true;
    } catch (const Error& error) {
      failure_ = error;
      throw;
    } catch (const std::exception&) {  // the file bounds the length, but the memory may be smaller
      failure_ = Error(Code::no_memory, "", "no memory for a part of " + std::to_string(length_) + " bytes");
      throw *failure_;
    }
  }

  Gather gather_;
  std::mutex mutex_;  // guards all members below
  std::optional<Error> failure_;
  bool loaded_ = false;
  std::vector<std::byte> elements_;
};

// The bytes of a raw blob to read at once: fewer if the view needs few of them.
std::uint64_t window_bytes(const Scatter& scatter, std::uint64_t wanted) {
  constexpr std::uint64_t kSmall = std::uint64_t{64} << 10;
  constexpr std::uint64_t kScarce = 16;
  return scatter.span().length / kScarce > wanted ? kSmall : kPieceBytes;
}

}  // namespace

PartSource blob_of(const PartSource& part) {
  PartSource blob = part;
  blob.view.reset();
  blob.recipe.decoded_length = part.view->blob_length;
  blob.recipe.view = model::kWhole;
  blob.recipe.swap = 0;
  return blob;
}

void gather_selected(const PartSource& part, const Picks& selection, std::span<std::byte> out,
                     const SliceMeans& means) {
  const Scatter scatter(*part.view, selection);
  const Region wanted = scatter.span();
  PartSource stored = blob_of(part);
  std::uint64_t base = 0;  // offset of the pieces in the blob
  if (part.recipe.coding.is_raw()) {
    base = wanted.offset;
    stored.recipe.offset += base;
    stored.recipe.decoded_length = wanted.length;
  }
  const std::unique_ptr<Pieces> blob = open_blob(stored, Verify::never, Use::any, window_bytes(scatter, out.size()));
  std::vector<std::size_t> pieces;  // the pieces to read
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < blob->count() && base + blob->offset(i) < wanted.offset + wanted.length; ++i) {
    if (!blob->ordered() && !scatter.touches({base + blob->offset(i), blob->length(i)})) continue;
    pieces.push_back(i);
    bytes += blob->length(i);
  }
  Scratches scratches;
  const std::uint64_t share = out.size() / std::max<std::size_t>(pieces.size(), 1);
  run::parallel_for(pieces.size(), bytes, blob->ordered() ? 1 : means.threads, *means.meter, [&](std::size_t i) {
    std::unique_ptr<Scratch> scratch = scratches.take();
    scratch->window.resize(blob->length(pieces[i]));
    blob->read(pieces[i], scratch->window, *scratch);
    scatter.place(base + blob->offset(pieces[i]), scratch->window, out);
    scratches.give(std::move(scratch));
    means.meter->add(share);
  });
  means.meter->add(out.size() - share * pieces.size());
  swap_words(out, part.recipe.swap);
  flip_signs(out, part.view->flip, part.view->element_bytes);
}

std::unique_ptr<Pieces> open_gathered(const PartSource& part, Verify verify, Use use) {
  if (use == Use::lasting) return std::make_unique<ScatteredPieces>(part, verify);
  return std::make_unique<GatheredPieces>(part, verify);
}

}  // namespace zt::read
