#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "codec/zstd.h"
#include "hash/digest.h"
#include "model/recipe.h"
#include "read/frames.h"
#include "read/turns.h"
#include "run/progress.h"
#include "ztensor/byte_store.h"
#include "ztensor/options.h"

namespace zt::read {

// One part and where its bytes are. Store, digest and view are borrowed from the open source.
struct PartSource {
  const ByteStore* store;
  model::Recipe recipe;
  std::string_view digest;            // as the file has it
  const model::View* view = nullptr;  // where the recipe has one
  bool decoded_digest = false;        // the digest is over decoded bytes, and of the form of generation 2
};

// How the pieces of a PieceReader are used.
enum class Use {
  any,
  plain,    // pieces are of kPieceBytes, whatever the frames are
  lasting,  // what read() has filled stays as it is until finish(): no digest then asks for pieces in order
};

// Memory that pieces are decoded with, one for each thread at work; leased from a Scratches.
struct Scratch {
  codec::FrameDecoder decoder;
  std::vector<std::byte> stored;
  std::vector<std::byte> decoded;
};
class Scratches {
 public:
  std::unique_ptr<Scratch> take();
  void give(std::unique_ptr<Scratch> scratch);

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Scratch>> free_;
};

// Whether the elements of a view lie one behind the other, as a range of its blob.
bool is_range(const model::View& view);

// Hands out the decoded bytes of a part piece by piece and checks its digest on the way: over the bytes of the blob
// that it lies in, stored or decoded, all of them, whatever the part takes of them.
class PieceReader {
 public:
  // Reads the seek table of a zstd part. Throws malformed, io.
  PieceReader(const PartSource& part, Verify verify, Use use = Use::any);
  ~PieceReader();

  std::size_t pieces() const { return pieces_; }
  // Pieces must be read in order, by one thread; else any thread may read any piece, each once.
  bool ordered() const { return ordered_; }
  std::uint64_t decoded_length() const { return part_.recipe.decoded_length; }
  std::uint64_t piece_offset(std::size_t piece) const { return piece * piece_bytes_; }
  std::size_t piece_length(std::size_t piece) const;  // the last one's may be larger than the others', and any be 0
  std::size_t piece_at(std::uint64_t offset) const;   // which one has this byte
  // `out` has piece_length(piece) bytes.
  void read(std::size_t piece, std::span<std::byte> out, Scratch& scratch);
  // After the last piece: throws mismatch when the bytes are not those of the digest, malformed when a stream holds
  // more than the part.
  void finish();

 private:
  enum class Way : std::uint8_t {
    raw,
    frames,
    stream,  // zstd without a usable seek table
    recut,   // pieces of another reader, cut anew
    gather,  // all of the blob is decoded to memory
  };
  void choose_digest(Verify verify);
  void choose_way(Verify verify);
  void plan_zstd(Verify verify, Use use);
  void count_pieces(Use use);
  void read_frames(std::size_t piece, std::span<std::byte> out, Scratch& scratch);
  void read_stream(std::span<std::byte> out);
  void take_stored(std::size_t piece, std::span<const std::byte> stored);
  void take_decoded(std::size_t piece, std::span<const std::byte> decoded);
  void begin_stream();
  void fill_input();
  void finish_stream();
  void finish_digest();

  PartSource part_;
  Way way_ = Way::raw;
  hash::Digest digest_;  // algorithm none: nothing to check
  bool over_decoded_ = false;
  bool ordered_ = false;
  std::size_t swap_bytes_ = 0;
  std::uint64_t raw_offset_ = 0;  // of the first byte in the store
  std::uint64_t piece_bytes_ = kPieceBytes;
  std::size_t pieces_ = 0;
  FramePlan plan_;
  std::vector<std::uint32_t> crcs_;  // of the stored bytes of each piece, where they may come in any order
  std::vector<std::uint64_t> stored_lengths_;
  std::unique_ptr<DigestInTurn> in_turn_;  // of digests that cannot be put together from those of pieces
  std::uint32_t stream_crc_ = 0;           // of a stream so far
  struct Stream;
  std::unique_ptr<Stream> stream_;  // once it was begun
  struct Recut;
  std::unique_ptr<Recut> recut_;
  struct Blob;
  std::unique_ptr<Blob> blob_;
};

// Decoded bytes of a zstd part that does not say, by decoding it; polls `meter`. Throws malformed; limit past `most`.
std::uint64_t measure(const PartSource& part, std::uint64_t most, run::Meter& meter);

}  // namespace zt::read
