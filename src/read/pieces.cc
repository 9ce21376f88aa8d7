#include "read/pieces.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "codec/codecs.h"
#include "codec/zstd.h"
#include "read/digest_check.h"
#include "read/fetcher.h"
#include "read/gather.h"
#include "read/part_plan.h"
#include "read/piece_decoder.h"
#include "read/ways.h"
#include "ztensor/error.h"

namespace zt::read {
namespace {

std::uint64_t whole_pieces(std::uint64_t length) { return length / kPieceBytes + (length % kPieceBytes != 0); }

// A blob whose pieces can be read in any order.
class RangePieces final : public Pieces {
 public:
  RangePieces(const PartSource& part, PartPlan plan, DigestCheck check, Use use, std::size_t swap)
      : fetcher_(*part.store),
        coding_(part.recipe.coding),
        plan_(std::move(plan)),
        check_(std::move(check)),
        swap_(swap) {
    length_ = part.recipe.decoded_length;
    piece_bytes_ = plan_.piece_bytes();
    count_ = plan_.pieces();
    check_.expect(count_);
    const bool stays = use == Use::lasting && check_.over_decoded() && swap_ == 0;
    ordered_ = check_.needs_order() && !stays;
  }

  void read(std::size_t piece, std::span<std::byte> out, Scratch& scratch) override {
    const Region stored = plan_.piece(piece).stored;
    if (plan_.is_raw()) {
      fetcher_.fetch(stored, out);
    } else {
      scratch.stored.resize(static_cast<std::size_t>(stored.length));  // checked against the file at open
      fetcher_.fetch(stored, scratch.stored);
      if (!check_.over_decoded()) check_.take(piece, scratch.stored);
      decode_piece(scratch.decoders.of(coding_.codec, coding_.form), plan_.frames_of(piece), scratch.stored, out);
    }
    if (check_.over_decoded()) check_.take(piece, out);
    swap_words(out, swap_);
  }
  void finish() override {
    if (!check_.over_decoded()) check_.append(plan_.table());
    check_.finish();
  }
  bool may_skip() const override { return !check_.is_on(); }

 private:
  Fetcher fetcher_;
  model::Coding coding_;
  PartPlan plan_;
  DigestCheck check_;
  std::size_t swap_;
};

// Cuts the pieces of another way anew, to kPieceBytes: `length` bytes from `start` on.
class RecutPieces final : public Pieces {
 public:
  RecutPieces(std::unique_ptr<Pieces> pieces, std::uint64_t start, std::uint64_t length, std::size_t swap)
      : pieces_(std::move(pieces)), skip_(start), swap_(swap) {
    count_plain(length);
    ordered_ = true;
  }
  void read(std::size_t, std::span<std::byte> out, Scratch& scratch) override {
    for (std::span<std::byte> left = out; !left.empty();) {
      if (used_ == held_.size()) {
        fetch(scratch);
        continue;
      }
      const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, held_.size() - used_));
      used_ += skipped;
      skip_ -= skipped;
      const std::size_t taken = std::min(left.size(), held_.size() - used_);
      std::memcpy(left.data(), held_.data() + used_, taken);
      used_ += taken;
      left = left.subspan(taken);
    }
    swap_words(out, swap_);
  }
  void finish() override {
    Scratch scratch;
    while (next_ < pieces_->count()) fetch(scratch);  // the bytes behind, and frames that decode to nothing
    pieces_->finish();
  }

 private:
  void fetch(Scratch& scratch) {
    held_.resize(pieces_->length(next_));
    pieces_->read(next_++, held_, scratch);
    used_ = 0;
  }

  std::unique_ptr<Pieces> pieces_;
  std::uint64_t skip_;  // bytes to leave out before the next one
  std::size_t swap_;
  std::size_t next_ = 0;
  std::vector<std::byte> held_;
  std::size_t used_ = 0;
};

std::unique_ptr<Pieces> open_frames(const PartSource& part, Verify verify, Use use) {
  const model::Recipe& recipe = part.recipe;
  DigestCheck check(part, verify, false);
  const bool strict = recipe.coding.framing == model::Framing::seekable;
  auto found = strict ? require_frames(*part.store, recipe) : find_frames(*part.store, recipe);
  if (!found) return open_stream(part, verify);
  const auto frames = std::make_shared<const FramePlan>(*std::move(found));
  const bool plain = frames->frames.empty() || (frames->piece_bytes == kPieceBytes &&
                                                frames->starts.size() == whole_pieces(recipe.decoded_length));
  const bool cuts_words = recipe.swap != 0 && frames->piece_bytes % recipe.swap != 0;
  PartPlan plan = PartPlan::of_frames(recipe.offset, recipe.decoded_length, frames);
  if (!cuts_words && (plain || use != Use::plain)) {
    return std::make_unique<RangePieces>(part, std::move(plan), std::move(check), use, recipe.swap);
  }
  if (!strict) return open_stream(part, verify);
  auto pieces = std::make_unique<RangePieces>(part, std::move(plan), std::move(check), Use::any, 0);
  return std::make_unique<RecutPieces>(std::move(pieces), 0, recipe.decoded_length, recipe.swap);
}

std::unique_ptr<Pieces> open_pieces(const PartSource& part, Verify verify, Use use) {
  if (!part.view) return open_blob(part, verify, use);
  const model::View& view = *part.view;
  const bool together = is_range(view);
  if (together && view.start == 0 && view.blob_length == part.recipe.decoded_length) {
    return open_blob(part, verify, use);
  }
  if (together && part.recipe.coding.is_raw() && !DigestCheck(part, verify, true).is_on()) {
    PartSource range = part;
    range.recipe.offset += view.start;
    return open_blob(range, verify, use);
  }
  // A stream passes from front to back in any case: then nobody needs memory for all of it.
  if (together && !part.recipe.coding.is_raw() && !codec::row_of(part.recipe.coding.codec).has_frames) {
    return std::make_unique<RecutPieces>(open_stream(blob_of(part), verify), view.start, part.recipe.decoded_length,
                                         part.recipe.swap);
  }
  return open_gathered(part, verify, use);
}

}  // namespace

bool is_range(const model::View& view) {
  if (view.flip != model::Flip::none) return false;
  if (std::ranges::find(view.shape, std::uint64_t{0}) != view.shape.end()) return true;
  std::uint64_t stride = view.element_bytes;
  for (std::size_t i = view.shape.size(); i-- > 0;) {
    if (view.shape[i] != 1 && view.strides[i] != static_cast<std::int64_t>(stride)) return false;
    stride *= view.shape[i];
  }
  return true;
}

void Pieces::count_plain(std::uint64_t length) {
  length_ = length;
  piece_bytes_ = kPieceBytes;
  count_ = static_cast<std::size_t>(whole_pieces(length));
}

std::unique_ptr<Pieces> open_blob(const PartSource& part, Verify verify, Use use, std::uint64_t raw_piece) {
  if (!part.recipe.coding.is_raw()) return open_frames(part, verify, use);
  PartPlan plan = PartPlan::of_raw({part.recipe.offset, part.recipe.decoded_length}, raw_piece);
  return std::make_unique<RangePieces>(part, std::move(plan), DigestCheck(part, verify, true), use, part.recipe.swap);
}

PieceReader::PieceReader(const PartSource& part, Verify verify, Use use)
    : decoded_length_(part.recipe.decoded_length), pieces_(open_pieces(part, verify, use)) {}

}  // namespace zt::read
