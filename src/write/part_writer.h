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
#include "model/recipe.h"
#include "read/pieces.h"
#include "run/progress.h"
#include "write/output.h"
#include "write/pieces.h"
#include "ztensor/byte_store.h"
#include "ztensor/options.h"

namespace zt::write {

// How a part is to be stored.
struct PartOptions {
  Encoding encoding = Encoding::raw();
  Checksum checksum = Checksum::none;
  bool digest_decoded = false;  // it is over the decoded bytes (generation 2), not over the stored ones
};

// What was stored.
struct WrittenPart {
  std::uint64_t stored_length = 0;
  model::Coding coding = model::Coding::raw;
  hash::Digest digest;
};

// Stores parts: pieces are made, compressed and digested on several threads, in batches; one thread writes them in
// order. The bytes never depend on the number of threads. Keeps its buffers between parts.
class PartWriter {
 public:
  static constexpr std::size_t kBatch = 64;
  // `batch`: pieces at work at once, which bounds memory; also how many of a part decide whether its codec is worth it.
  PartWriter(Output& output, unsigned threads, std::size_t batch = kBatch)
      : output_(output), threads_(threads), batch_(batch) {}
  // An empty part is stored raw, and one that its codec does not shrink.
  WrittenPart write(Pieces& pieces, const PartOptions& options, run::Meter& meter);

 private:
  struct Slot {  // one piece of a batch
    std::vector<std::byte> decoded;
    std::vector<std::byte> stored;
    read::Scratch scratch;
    std::span<const std::byte> bytes;  // what is written: of `decoded`, of `stored`, or of memory that is not ours
    std::uint32_t crc = 0;             // of the bytes that the digest is over
  };
  void begin(const PartOptions& options, std::uint64_t length, run::Meter& meter);
  std::span<const std::byte> stored_bytes(const Slot& slot) const;
  std::span<const std::byte> digested_bytes(const Slot& slot) const;
  void write_memory(std::span<const std::byte> bytes);
  void make_batch(Pieces& pieces, std::size_t first, std::size_t count);
  void make_stored(Slot& slot);
  std::vector<std::byte> compress(std::span<const std::byte> decoded);
  bool shrinks(std::size_t count, std::uint64_t decoded) const;
  void write_batch(std::size_t count);
  const codec::Row& row() const { return codec::row_of(part_.encoding.codec()); }
  void write_seek_table();
  void digest(std::span<const std::byte> bytes);  // those that a hash in order wants: CRCs of pieces are joined
  void put(std::span<const std::byte> bytes);
  hash::Digest finish_digest();

  Output& output_;
  unsigned threads_;
  std::size_t batch_;
  std::vector<Slot> slots_;
  std::mutex mutex_;                                            // over encoders_
  std::vector<std::unique_ptr<codec::PieceEncoder>> encoders_;  // leased by threads: at high levels each is large
  Encoding made_for_ = Encoding::raw();                         // encoders_ are
  // Of the part at hand:
  run::Meter* meter_ = nullptr;
  PartOptions part_;  // its encoding becomes raw where its codec is not worth it
  std::vector<codec::FrameSize> frames_;
  std::uint64_t stored_length_ = 0;
  std::uint32_t crc_ = 0;
  std::optional<hash::Sha256> sha_;
  std::optional<hash::Xxh3> xxh3_;
};

}  // namespace zt::write
