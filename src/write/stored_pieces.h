#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "read/pieces.h"
#include "write/array_pieces.h"
#include "write/pieces.h"

namespace zt::write {

// The decoded bytes of a part of a source. Reading them checks the digest.
class StoredPieces final : public Pieces {
 public:
  explicit StoredPieces(const read::PartSource& part)
      : reader_(part, Verify::always, read::Use::plain), length_(part.recipe.decoded_length) {}
  std::uint64_t length() const override { return length_; }
  bool ordered() const override { return reader_.ordered(); }
  void read(std::size_t piece, std::span<std::byte> out, read::Scratch& scratch) override {
    reader_.read(piece, out, scratch);
  }
  void finish() override { reader_.finish(); }

 private:
  read::PieceReader reader_;
  std::uint64_t length_;
};

// The bytes of a bool part, with bytes other than 0 made 1.
class BoolPieces final : public Pieces {
 public:
  explicit BoolPieces(const read::PartSource& part) : stored_(part) {}
  std::uint64_t length() const override { return stored_.length(); }
  bool ordered() const override { return stored_.ordered(); }
  void read(std::size_t piece, std::span<std::byte> out, read::Scratch& scratch) override {
    stored_.read(piece, out, scratch);
    make_clean(out);
  }
  void finish() override { stored_.finish(); }

 private:
  StoredPieces stored_;
};

}  // namespace zt::write
