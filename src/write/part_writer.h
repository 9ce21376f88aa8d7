#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "codec/codecs.h"
#include "codec/zstd.h"
#include "hash/digest.h"
#include "hash/sha256.h"
#include "hash/xxh3.h"
#include "model/encoder.h"
#include "model/recipe.h"
#include "read/pieces.h"
#include "run/progress.h"
#include "write/digest_ahead.h"
#include "write/output.h"
#include "write/pieces.h"
#include "ztensor/byte_store.h"
#include "ztensor/options.h"

namespace zt::write {

// How to store a part.
struct PartOptions {
  Encoding encoding = Encoding::raw();
  ElementForm form = ElementForm::bytes1;  // of the elements
  Checksum checksum = Checksum::none;
  bool digest_decoded = false;  // digest the decoded bytes (generation 2) instead of the stored ones
  // Null: the part is no member of an archive. Otherwise `member` says what the member is, except its length.
  const model::Archive* archive = nullptr;
  model::Member member = {};
};

// The result of storing a part.
struct WrittenPart {
  std::uint64_t stored_length = 0;
  model::Coding coding = model::Coding::raw;
  hash::Digest digest;
};

// Stores parts. Several threads make, compress and digest pieces in batches; one thread writes them in order. The
// number of threads never changes the bytes. Keeps its buffers between parts.
class PartWriter {
 public:
  static constexpr std::size_t kBatch = 64;
  // `batch`: the number of pieces in work at once, which bounds memory; while they are written, several threads make
  // half as many more. The first batch decides whether the codec is worth it.
  PartWriter(Output& output, unsigned threads, std::size_t batch = kBatch)
      : output_(output), threads_(threads), batch_(batch) {}
  // Stores a part raw if it is empty, or if its codec does not shrink it.
  WrittenPart write(Pieces& pieces, const PartOptions& options, run::Meter& meter);
  // The same for bytes that come one after another: open(), feed() in order, close(). Keeps fewer pieces at once, so
  // the codec is judged by the first kFedBatch pieces. How the bytes are cut for feed() never changes what is written.
  // `length`: of the part, if it is known.
  static constexpr std::size_t kFedBatch = 16;
  void open(const PartOptions& options, std::optional<std::uint64_t> length, run::Meter& meter);
  void feed(std::span<const std::byte> bytes);
  WrittenPart close();
  // Gives back the memory that is kept from part to part.
  void free_buffers() noexcept {
    slots_ = std::vector<Slot>();
    encoders_.clear();
    digest_thread_.end();
  }

 private:
  struct Slot {  // one piece of a batch
    std::vector<std::byte> decoded;
    std::vector<std::byte> stored;
    read::Scratch scratch;
    std::span<const std::byte> bytes;  // the decoded bytes: `decoded`, or memory of the caller
    std::uint32_t crc = 0;             // of the bytes that the digest covers
  };
  void begin(const PartOptions& options, std::optional<std::uint64_t> length, run::Meter& meter);
  std::span<const std::byte> stored_bytes(const Slot& slot) const;
  std::span<const std::byte> digested_bytes(const Slot& slot) const;
  void write_memory(std::span<const std::byte> bytes);
  void write_stretch(std::span<const std::byte> bytes, bool second_thread);
  struct Batch {  // pieces that lie in slots_[slot] and those behind it
    std::size_t slot = 0;
    std::size_t count = 0;
  };
  void write_pieces(Pieces& pieces);
  void make_batch(Pieces& pieces, std::size_t first, Batch batch, const std::function<void()>& meanwhile = {});
  void make_stored(Slot& slot);
  void compress(std::span<const std::byte> decoded, std::vector<std::byte>& stored);
  void choose_codec(std::size_t count);
  bool shrinks(std::size_t count, std::uint64_t decoded) const;
  void settle_codec(std::size_t count, std::uint64_t decoded);
  void write_fed(std::size_t count);
  WrittenPart finish();
  void write_batch(Batch batch);
  const codec::Row& row() const { return codec::row_of(part_.encoding.codec()); }
  void write_seek_table();
  // Feeds the hashes that need all bytes in order; CRCs of pieces are joined instead.
  void digest(std::span<const std::byte> bytes);
  void digest_in_order(std::span<const std::byte> bytes);  // the same, and the CRC of the bytes before goes on
  void put(std::span<const std::byte> bytes);
  hash::Digest finish_digest();

  Output& output_;
  unsigned threads_;
  std::size_t batch_;
  std::vector<Slot> slots_;
  std::mutex mutex_;                                            // guards encoders_
  std::vector<std::unique_ptr<codec::PieceEncoder>> encoders_;  // threads borrow them: at high levels each is large
  Encoding made_for_ = Encoding::raw();                         // the encoding and elements of encoders_
  ElementForm made_form_ = ElementForm::bytes1;
  // The current part:
  run::Meter* meter_ = nullptr;
  PartOptions part_;         // its encoding becomes raw if the codec is not worth it
  std::uint64_t worth_ = 1;  // one byte in so many must be saved
  std::vector<codec::FrameSize> frames_;
  std::uint64_t stored_length_ = 0;
  std::optional<std::uint64_t> length_;  // decoded, if it is known
  std::uint64_t fed_ = 0;                // bytes that feed() got
  std::size_t full_ = 0;                 // slots that feed() has filled; the next one may hold some bytes
  std::uint32_t crc_ = 0;
  std::optional<hash::Sha256> sha_;
  std::optional<hash::Xxh3> xxh3_;
  DigestThread digest_thread_;  // the last member: its thread uses the others
};

}  // namespace zt::write
