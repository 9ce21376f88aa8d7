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

// How the pieces of a PieceReader are used.
enum class Use {
  any,
  plain,    // pieces are of kPieceBytes, whatever the frames are
  lasting,  // there is memory for all of the part, and what read() has filled stays as it is until finish()
};

// One way of handing out the pieces of a part.
class Pieces {
 public:
  virtual ~Pieces() = default;
  Pieces(const Pieces&) = delete;
  Pieces& operator=(const Pieces&) = delete;

  virtual void read(std::size_t piece, std::span<std::byte> out, Scratch& scratch) = 0;
  virtual void finish() = 0;
  // Whether `piece` may be passed over when no more than a part of the blob is wanted.
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
  std::uint64_t piece_bytes_ = 0;  // of each except the last
  std::size_t count_ = 0;
  bool ordered_ = false;
  bool scatters_ = false;
};

// Hands out the decoded bytes of a part piece by piece and checks its digest on the way: over the bytes of the blob
// that it lies in, stored or decoded, all of them, whatever the part takes of them.
class PieceReader {
 public:
  // Reads the seek table of a zstd part. Throws malformed, io.
  PieceReader(const PartSource& part, Verify verify, Use use = Use::any);

  std::size_t pieces() const { return pieces_->count(); }
  // Pieces must be read in order, by one thread; else any thread may read any piece, each once.
  bool ordered() const { return pieces_->ordered(); }
  // Pieces are of a blob whose elements lie apart, and read() puts their elements where they belong: it is given the
  // memory of the whole part each time, which is right after finish(). Of `lasting` ones only.
  bool scatters() const { return pieces_->scatters(); }
  std::uint64_t decoded_length() const { return decoded_length_; }
  std::uint64_t piece_offset(std::size_t piece) const { return pieces_->offset(piece); }
  // The last one's may be larger than the others', and any be 0.
  std::size_t piece_length(std::size_t piece) const { return pieces_->length(piece); }
  // `out` has piece_length(piece) bytes.
  void read(std::size_t piece, std::span<std::byte> out, Scratch& scratch) { pieces_->read(piece, out, scratch); }
  // After the last piece: throws mismatch when the bytes are not those of the digest, malformed when a stream holds
  // more than the part.
  void finish() { pieces_->finish(); }

 private:
  std::uint64_t decoded_length_;
  std::unique_ptr<Pieces> pieces_;
};

// Decoded bytes of a zstd part that does not say, by decoding it; polls `meter`. Throws malformed; limit past `most`.
std::uint64_t measure(const PartSource& part, std::uint64_t most, run::Meter& meter);

}  // namespace zt::read
