#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "read/frames.h"
#include "read/part_source.h"
#include "read/scratch.h"
#include "run/progress.h"
#include "ztensor/options.h"

namespace zt::read {

// How a caller uses the pieces of a PieceReader.
enum class Use {
  any,
  plain,    // pieces are of kPieceBytes, whatever the frames are
  lasting,  // the caller has memory for the whole part, and keeps the bytes from read() unchanged until finish()
};

// One way to give out the pieces of a part.
class Pieces {
 public:
  virtual ~Pieces() = default;
  Pieces(const Pieces&) = delete;
  Pieces& operator=(const Pieces&) = delete;

  virtual void read(std::size_t piece, std::span<std::byte> out, Scratch& scratch) = 0;
  virtual void finish() = 0;
  // Whether `piece` may be skipped if only a part of the blob is wanted.
  virtual bool may_skip() const { return false; }

  std::uint64_t offset(std::size_t piece) const { return piece * piece_bytes_; }
  std::size_t length(std::size_t piece) const {
    return static_cast<std::size_t>(piece + 1 < count_ ? piece_bytes_ : length_ - offset(piece));
  }
  std::size_t count() const { return count_; }
  bool ordered() const { return ordered_; }
  bool scatters() const { return scatters_; }

 protected:
  Pieces() = default;
  void count_plain(std::uint64_t length);

  std::uint64_t length_ = 0;       // of all pieces
  std::uint64_t piece_bytes_ = 0;  // of each piece except the last
  std::size_t count_ = 0;
  bool ordered_ = false;
  bool scatters_ = false;
};

// Gives out the decoded bytes of a part piece by piece, and checks its digest. The digest covers the whole blob, stored
// or decoded, even if the part is a view of some of it.
class PieceReader {
 public:
  // Reads the seek table of a zstd part. Throws malformed, io.
  PieceReader(const PartSource& part, Verify verify, Use use = Use::any);

  std::size_t pieces() const { return pieces_->count(); }
  // If true, one thread must read the pieces in order. Else any thread may read any piece, each once.
  bool ordered() const { return pieces_->ordered(); }
  // If true, the pieces are of a blob whose elements lie apart, and read() puts the elements in place: give it the
  // memory of the whole part each time. That memory is complete after finish(). Only with `lasting`.
  bool scatters() const { return pieces_->scatters(); }
  std::uint64_t decoded_length() const { return decoded_length_; }
  std::uint64_t piece_offset(std::size_t piece) const { return pieces_->offset(piece); }
  // The last piece may be larger than the others, and any may be empty.
  std::size_t piece_length(std::size_t piece) const { return pieces_->length(piece); }
  // `out` has piece_length(piece) bytes.
  void read(std::size_t piece, std::span<std::byte> out, Scratch& scratch) { pieces_->read(piece, out, scratch); }
  // Call it after the last piece. Throws mismatch if the bytes do not have the digest, malformed if a stream holds more
  // than the part.
  void finish() { pieces_->finish(); }

 private:
  std::uint64_t decoded_length_;
  std::unique_ptr<Pieces> pieces_;
};

// Decodes a zstd part without a stated length to count its decoded bytes. Polls `meter`. Throws malformed; limit above
// `most`.
std::uint64_t measure(const PartSource& part, std::uint64_t most, run::Meter& meter);

}  // namespace zt::read
