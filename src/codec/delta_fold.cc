#include "codec/delta_fold.h"

#include <algorithm>

#include "codec/zstd.h"
#include "ztensor/error.h"

namespace zt::codec {
namespace {

using Stored = std::span<const std::byte>;

// One piece of a part.
struct FoldPiece {
  Stored stored;
  std::uint32_t content = 0;
  std::size_t size = 0;  // decoded bytes; 0: the part has no such piece
  DeltaHead head = {};
};

class FoldPart {
 public:
  FoldPart(const DeltaPart& part, ElementForm form) : part_(part), form_(form) {
    const auto footer = part.stored.last(std::min(part.stored.size(), kTableFooterBytes));
    const std::uint64_t table = delta_table_bytes(footer, part.stored.size(), part.decoded);
    pieces_ = read_delta_table(part.stored.last(static_cast<std::size_t>(table)), part.stored.size(), part.decoded);
  }
  FoldPiece piece(std::size_t i) const {
    if (i >= pieces_.size()) return {};
    FoldPiece piece{.stored = part_.stored.subspan(static_cast<std::size_t>(pieces_[i].at), pieces_[i].stored),
                    .content = pieces_[i].content,
                    .size = static_cast<std::size_t>(std::min<std::uint64_t>(
                        kDeltaPieceBytes, part_.decoded - i * std::uint64_t{kDeltaPieceBytes}))};
    piece.head = read_delta_head(piece.stored, form_);
    return piece;
  }

 private:
  DeltaPart part_;
  ElementForm form_;
  std::vector<DeltaPiece> pieces_;
};

class Folder {
 public:
  Folder(DeltaElements elements, DeltaMode kind)
      : width_(width_of(elements.form)), encoder_(elements, kind), decoder_(elements.form) {}

  // Gives the stored bytes of the folded piece to `out`, and returns those of its content.
  std::uint32_t fold(const FoldPiece& lower, const FoldPiece& upper, Stored base, std::vector<std::byte>& out) {
    if (upper.head.mode == DeltaMode::full) return move(upper, out);
    if (lower.size == upper.size) {
      if (lower.head.result != upper.head.base) {
        throw Error(Code::mismatch, "delta.base.check", "a delta was not made over the delta below it");
      }
      if (lower.head.mode == DeltaMode::same) return move(upper, out);
      if (upper.head.mode == DeltaMode::same) return move(lower, out);
      if (lower.head.mode == DeltaMode::patch && upper.head.mode == DeltaMode::patch) return unite(lower, upper, out);
    }
    middle_.resize(lower.size);
    if (lower.size != 0) decoder_.decode(lower.stored, lower.content, base, middle_);
    result_.resize(upper.size);
    decoder_.decode(upper.stored, upper.content, middle_, result_);
    return encoder_.encode(base, result_, out);
  }

 private:
  static std::uint32_t move(const FoldPiece& piece, std::vector<std::byte>& out) {
    out.assign(piece.stored.begin(), piece.stored.end());
    return piece.content;
  }

  // The elements of both patches; those of the upper one where both have an element.
  std::uint32_t unite(const FoldPiece& lower, const FoldPiece& upper, std::vector<std::byte>& out) {
    const DeltaChanges first = decoder_.changes(lower.stored, lower.content, {}, lower.size);
    const DeltaChanges then = decoder_.changes(upper.stored, upper.content, {}, upper.size);
    DeltaChanges both;
    const auto add = [&](const DeltaChanges& from, std::size_t i) {
      both.indices.push_back(from.indices[i]);
      const auto element = Stored(from.elements).subspan(i * width_, width_);
      both.elements.insert(both.elements.end(), element.begin(), element.end());
    };
    std::size_t i = 0;
    for (std::size_t k = 0; k < then.indices.size(); ++k) {
      for (; i < first.indices.size() && first.indices[i] < then.indices[k]; ++i) add(first, i);
      if (i < first.indices.size() && first.indices[i] == then.indices[k]) ++i;
      add(then, k);
    }
    for (; i < first.indices.size(); ++i) add(first, i);
    return encoder_.encode_patch(lower.head.base, upper.head.result, both.indices, both.elements, out);
  }

  unsigned width_;
  DeltaEncoder encoder_;
  DeltaDecoder decoder_;
  std::vector<std::byte> middle_, result_;
};

}  // namespace

std::vector<std::byte> fold_delta(DeltaElements elements, DeltaMode kind, const DeltaPart& lower,
                                  const DeltaPart& upper, Stored base) {
  // A part without stored bytes changes nothing, and not the length.
  if (upper.stored.empty() && upper.decoded == lower.decoded) return {lower.stored.begin(), lower.stored.end()};
  if (lower.stored.empty()) return {upper.stored.begin(), upper.stored.end()};
  const FoldPart first(lower, elements.form), then(upper, elements.form);
  Folder folder(elements, kind);
  std::vector<std::byte> part, stored;
  std::vector<FrameSize> rows;
  for (std::size_t i = 0; i < delta_pieces(upper.decoded); ++i) {
    const auto below = base.subspan(std::min(base.size(), i * kDeltaPieceBytes));
    const std::uint32_t content = folder.fold(first.piece(i), then.piece(i), below, stored);
    rows.push_back({static_cast<std::uint32_t>(stored.size()), content});
    part.insert(part.end(), stored.begin(), stored.end());
  }
  const std::vector<std::byte> table = encode_seek_table(rows);
  part.insert(part.end(), table.begin(), table.end());
  return part;
}

}  // namespace zt::codec
