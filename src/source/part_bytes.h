#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "read/pieces.h"
#include "ztensor/tensor.h"

namespace zt::source {

// The decoded bytes of one part from first to last. Checks all digests. For one thread. Errors name file, tensor and
// part.
class PartBytes {
 public:
  // Decodes a part without a stated length to count its bytes. Throws malformed, io.
  explicit PartBytes(const Part& part);
  PartBytes(const PartBytes&) = delete;
  PartBytes& operator=(const PartBytes&) = delete;

  std::uint64_t length() const { return reader_->decoded_length(); }
  // The next out.size() bytes; at least that many must be left. Steps of read::kPieceBytes are cheapest.
  void read(std::span<std::byte> out);
  // Call it after the last byte. Throws mismatch, malformed.
  void finish();

 private:
  template <class F>
  decltype(auto) located(F&& work) const;
  void next_piece(std::span<std::byte> out);

  Part part_;
  std::unique_ptr<read::PieceReader> reader_;
  read::Scratch scratch_;
  std::size_t piece_ = 0;        // the next piece
  std::vector<std::byte> held_;  // of a piece that was only partly given out
  std::size_t held_passed_ = 0;
};

// Reads an index part as 64-bit indices; negative ones keep their sign.
class WideIndices {
 public:
  explicit WideIndices(const Part& part);
  std::uint64_t length() const { return bytes_.length(); }
  unsigned width() const { return width_; }
  std::uint64_t count() const { return bytes_.length() / width_; }
  std::uint64_t stray() const { return bytes_.length() % width_; }  // bytes past the last whole index
  void read(std::span<std::uint64_t> out);
  void finish() { bytes_.finish(); }

 private:
  PartBytes bytes_;
  unsigned width_;
  bool signed_;
  std::vector<std::byte> narrow_;
};

}  // namespace zt::source
