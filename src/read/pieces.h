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
#include "hash/sha256.h"
#include "model/recipe.h"
#include "run/progress.h"
#include "ztensor/byte_store.h"

namespace zt::read {

// One part and where its bytes are. Borrowed for the life of what is made from it.
struct PartSource {
  const ByteStore* store;
  const model::Recipe* recipe;
  std::string_view digest;  // as the file has it
};

enum class Check { none, crc32c, all };  // which digests a read holds against the bytes

inline constexpr std::size_t kPieceBytes = codec::kFrameBytes;

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

// Hands out the decoded bytes of a part piece by piece and checks its digest, over the stored bytes, on the way.
class PieceReader {
 public:
  // Reads the seek table of a zstd part. `plain`: pieces are of kPieceBytes, whatever the frames are. Throws malformed,
  // io.
  PieceReader(const PartSource& part, Check check, bool plain = false);

  std::size_t pieces() const { return pieces_; }
  // Pieces must be read in order, by one thread; else any thread may read any piece, each once.
  bool ordered() const { return ordered_; }
  std::uint64_t decoded_length() const { return part_.recipe->decoded_length; }
  std::uint64_t piece_offset(std::size_t piece) const { return piece * piece_bytes_; }
  std::size_t piece_length(std::size_t piece) const;
  // `out` has piece_length(piece) bytes.
  void read(std::size_t piece, std::span<std::byte> out, Scratch& scratch);
  // After the last piece: throws mismatch when the stored bytes are not those of the digest, malformed when a stream
  // holds more than the part.
  void finish();

 private:
  void plan_frames();
  void read_frames(std::size_t piece, std::span<std::byte> out, Scratch& scratch);
  void read_stream(std::span<std::byte> out);
  void take_stored(std::size_t piece, std::span<const std::byte> stored);
  void begin_stream();
  void fill_input();
  void finish_stream();
  [[noreturn]] void throw_mismatch(const hash::Digest& found) const;

  PartSource part_;
  hash::Digest digest_;  // algorithm none: nothing to check
  std::uint64_t piece_bytes_ = kPieceBytes;
  std::size_t pieces_ = 0;
  bool ordered_ = false;
  bool streamed_ = false;                    // a zstd part without a usable seek table
  std::vector<codec::FrameSize> frames_;     // of a part with a seek table
  std::vector<std::uint64_t> frame_starts_;  // of the first frame of each piece, from the stored bytes' start
  std::size_t frames_per_piece_ = 0;
  std::vector<std::byte> table_;
  std::uint32_t digest_crc_ = 0;     // of a stream so far
  std::vector<std::uint32_t> crcs_;  // of the stored bytes of each piece
  std::vector<std::uint64_t> stored_lengths_;
  std::unique_ptr<hash::Sha256> sha_;
  struct Stream;
  std::shared_ptr<Stream> stream_;  // once it was begun
};

// Decoded bytes of a zstd part that does not say, by decoding it; polls `meter`. Throws malformed; limit past `most`.
std::uint64_t measure(const PartSource& part, std::uint64_t most, run::Meter& meter);

}  // namespace zt::read
