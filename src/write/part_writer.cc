#include "write/part_writer.h"

#include <algorithm>
#include <atomic>

#include "hash/crc.h"
#include "run/idle.h"
#include "run/parallel.h"

namespace zt::write {
namespace {

constexpr std::size_t kStretch = std::size_t{64} << 20;

std::size_t length_of(const Pieces& source, std::size_t piece) {
  return static_cast<std::size_t>(
      std::min<std::uint64_t>(read::kPieceBytes, source.length() - piece * read::kPieceBytes));
}

}  // namespace

void PartWriter::compress(std::span<const std::byte> decoded, std::vector<std::byte>& stored) {
  std::unique_ptr<codec::PieceEncoder> encoder;
  {
    const std::lock_guard lock(mutex_);
    if (!encoders_.empty()) {
      encoder = std::move(encoders_.back());
      encoders_.pop_back();
    }
  }
  if (!encoder) encoder = row().encoder(part_.form, part_.encoding.level());
  encoder->encode(decoded, stored);
  const std::lock_guard lock(mutex_);
  encoders_.push_back(std::move(encoder));
}

std::span<const std::byte> PartWriter::stored_bytes(const Slot& slot) const {
  return part_.encoding.is_raw() ? slot.bytes : std::span<const std::byte>(slot.stored);
}

std::span<const std::byte> PartWriter::digested_bytes(const Slot& slot) const {
  return part_.digest_decoded ? slot.bytes : stored_bytes(slot);
}

void PartWriter::make_stored(Slot& slot) {
  if (!part_.encoding.is_raw()) compress(slot.bytes, slot.stored);
  if (hash::is_crc(part_.checksum)) slot.crc = hash::crc_of(part_.checksum, digested_bytes(slot));
}

// Makes pieces from `first` on. The calling thread does `meanwhile` before it makes any.
void PartWriter::make_batch(Pieces& source, std::size_t first, Batch batch, const std::function<void()>& meanwhile) {
  const std::size_t count = batch.count;
  const auto memory = source.in_memory();
  if (slots_.size() < batch.slot + count) slots_.resize(batch.slot + count);
  const auto slots = std::span(slots_).subspan(batch.slot, count);
  const auto fill = [&](std::size_t i) {
    Slot& slot = slots[i];
    const std::size_t length = length_of(source, first + i);
    if (!memory.empty()) {
      slot.bytes = memory.subspan((first + i) * read::kPieceBytes, length);
      return;
    }
    slot.decoded.resize(length);
    source.read(first + i, slot.decoded, slot.scratch);
    slot.bytes = slot.decoded;
  };
  if (source.ordered()) {
    for (std::size_t i = 0; i < count; ++i) fill(i);
  }
  const auto make = [&](std::size_t i) {
    if (!source.ordered()) fill(i);
    make_stored(slots[i]);
    meter_->add(slots[i].bytes.size());
  };
  run::parallel_for(count, count * read::kPieceBytes, threads_, *meter_, make, meanwhile);
}

// Whether the codec saves enough of the batch. If it saves less, decoding is not worth its time.
bool PartWriter::shrinks(std::size_t count, std::uint64_t decoded) const {
  constexpr std::uint64_t kTable = 17;  // bytes of the seek table, besides 8 for each frame
  std::uint64_t stored = kTable;
  for (std::size_t i = 0; i < count; ++i) stored += slots_[i].stored.size() + 8;
  return stored <= decoded - decoded / worth_;
}

void PartWriter::digest_in_order(std::span<const std::byte> bytes) {
  if (hash::is_crc(part_.checksum)) crc_ = hash::crc_of(part_.checksum, bytes, crc_);
  digest(bytes);
}

void PartWriter::digest(std::span<const std::byte> bytes) {
  if (sha_) sha_->update(bytes);
  if (xxh3_) xxh3_->update(bytes);
}

void PartWriter::put(std::span<const std::byte> bytes) {
  stored_length_ += bytes.size();
  output_.write(bytes);
}

void PartWriter::write_batch(Batch batch) {
  for (const Slot& slot : std::span(slots_).subspan(batch.slot, batch.count)) {
    const auto digested = digested_bytes(slot);
    const auto stored = stored_bytes(slot);
    if (hash::is_crc(part_.checksum)) crc_ = hash::crc_join(part_.checksum, crc_, slot.crc, digested.size());
    digest(digested);
    if (row().has_frames) {
      frames_.push_back({static_cast<std::uint32_t>(stored.size()), static_cast<std::uint32_t>(slot.bytes.size())});
    }
    put(stored);
  }
}

void PartWriter::write_seek_table() {
  const std::vector<std::byte> table = codec::encode_seek_table(frames_);
  if (!part_.digest_decoded) digest_in_order(table);
  put(table);
}

// Writes raw bytes in memory. Asks again now and then whether a core is idle.
void PartWriter::write_memory(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto stretch = bytes.first(std::min(bytes.size(), kStretch));
    const bool large = stretch.size() > run::kWorthThreads && threads_ > 1 && part_.checksum != Checksum::none;
    write_stretch(stretch, large && run::has_idle_core());
    bytes = bytes.subspan(stretch.size());
  }
}

// Writes block by block. The digest reads a block right after its write, from the cache, or a second thread takes it
// ahead of the write.
void PartWriter::write_stretch(std::span<const std::byte> bytes, bool second_thread) {
  std::optional<DigestAhead> ahead;
  if (second_thread)
    ahead.emplace(digest_thread_, bytes, [this](std::span<const std::byte> piece) { digest_in_order(piece); });
  for (std::size_t done = 0; done < bytes.size();) {
    const auto block = bytes.subspan(done, std::min(bytes.size() - done, output_.room()));
    put(block);
    done += block.size();
    if (ahead) {
      ahead->passed(done);
    } else {
      digest_in_order(block);
    }
    meter_->add(block.size());
    meter_->poll();
  }
  if (ahead) ahead->finish();
}

void PartWriter::begin(const PartOptions& options, std::optional<std::uint64_t> length, run::Meter& meter) {
  if (!options.encoding.is_raw() && (options.encoding != made_for_ || options.form != made_form_)) {
    encoders_.clear();
    made_for_ = options.encoding;
    made_form_ = options.form;
  }
  meter_ = &meter;
  part_ = options;
  worth_ = row().worth;
  length_ = length;
  if (length == 0) part_.encoding = Encoding::raw();
  if (part_.encoding.is_raw()) output_.expect(length.value_or(0));
  frames_.clear();
  stored_length_ = 0;
  crc_ = 0;
  sha_.reset();
  xxh3_.reset();
  if (options.checksum == Checksum::sha256) sha_.emplace();
  if (options.checksum == Checksum::xxh3) xxh3_.emplace();
}

hash::Digest PartWriter::finish_digest() {
  hash::Digest digest;
  digest.algorithm = part_.checksum;
  digest.crc = crc_;
  if (sha_) digest.sha = sha_->finish();
  if (xxh3_) digest.xxh3 = xxh3_->value();
  return digest;
}

WrittenPart PartWriter::write(Pieces& source, const PartOptions& options, run::Meter& meter) {
  begin(options, source.length(), meter);
  const auto memory = source.in_memory();
  if (part_.encoding.is_raw() && !memory.empty()) {
    write_memory(memory);
  } else {
    write_pieces(source);
  }
  source.finish();
  return finish();
}

// With several threads, the next batch is made while this thread writes the last one. It is smaller, for memory.
void PartWriter::write_pieces(Pieces& source) {
  const std::uint64_t length = source.length();
  const auto pieces = static_cast<std::size_t>(length / read::kPieceBytes + (length % read::kPieceBytes != 0));
  Batch batch{0, std::min(batch_, pieces)};
  make_batch(source, 0, batch);
  settle_codec(batch.count, std::min<std::uint64_t>(batch.count * read::kPieceBytes, length));
  for (std::size_t first = batch.count; first < pieces; first += batch.count) {
    const Batch ready = batch;
    if (threads_ == 1) {
      write_batch(ready);
      batch = {0, std::min(batch_, pieces - first)};
      make_batch(source, first, batch);
    } else {
      batch = {ready.slot == 0 ? batch_ : 0, std::min(batch_ / 2 + 1, pieces - first)};
      make_batch(source, first, batch, [&] { write_batch(ready); });
    }
  }
  write_batch(batch);
}

// After the first pieces are made, as planes: tries zstd for some of them, and takes it for all if it is smaller.
void PartWriter::choose_codec(std::size_t count) {
  constexpr std::size_t kTried = 4;
  if (!part_.encoding.is_automatic()) return;
  std::uint64_t as_planes = 0;
  std::atomic<std::uint64_t> as_zstd = 0;
  const std::size_t tried = std::min(count, kTried);
  const auto slot = [&](std::size_t i) -> const Slot& { return slots_[i * count / tried]; };
  for (std::size_t i = 0; i < tried; ++i) as_planes += slot(i).stored.size();
  run::parallel_for(tried, tried * read::kPieceBytes, threads_, *meter_, [&](std::size_t i) {
    as_zstd += codec::FrameEncoder(Encoding::zstd().level()).encode(slot(i).bytes).size();
  });
  if (as_zstd >= as_planes) return;
  part_.encoding = Encoding::zstd();
  made_for_ = part_.encoding;
  encoders_.clear();
  run::parallel_for(count, count * read::kPieceBytes, threads_, *meter_,
                    [&](std::size_t i) { make_stored(slots_[i]); });
}

// After the first pieces are made: stores the part raw if its codec does not shrink them.
void PartWriter::settle_codec(std::size_t count, std::uint64_t decoded) {
  choose_codec(count);
  if (part_.encoding.is_raw() || shrinks(count, decoded)) return;
  part_.encoding = Encoding::raw();
  output_.expect(length_.value_or(0));
  for (std::size_t i = 0; i < count; ++i) make_stored(slots_[i]);
}

void PartWriter::open(const PartOptions& options, std::optional<std::uint64_t> length, run::Meter& meter) {
  begin(options, length, meter);
  fed_ = 0;
  full_ = 0;
  if (slots_.size() < kFedBatch) slots_.resize(kFedBatch);
  for (Slot& slot : slots_) slot.decoded.clear();
}

void PartWriter::feed(std::span<const std::byte> bytes) {
  fed_ += bytes.size();
  while (!bytes.empty()) {
    if (part_.encoding.is_raw()) return write_memory(bytes);
    std::vector<std::byte>& slot = slots_[full_].decoded;
    slot.reserve(read::kPieceBytes);
    const auto piece = bytes.first(std::min(bytes.size(), read::kPieceBytes - slot.size()));
    slot.insert(slot.end(), piece.begin(), piece.end());
    bytes = bytes.subspan(piece.size());
    if (slot.size() == read::kPieceBytes && ++full_ == kFedBatch) write_fed(full_);
  }
}

// Stores the first `count` slots, and empties them.
void PartWriter::write_fed(std::size_t count) {
  std::uint64_t decoded = 0;
  for (std::size_t i = 0; i < count; ++i) {
    slots_[i].bytes = slots_[i].decoded;
    decoded += slots_[i].bytes.size();
  }
  run::parallel_for(count, decoded, threads_, *meter_, [&](std::size_t i) {
    make_stored(slots_[i]);
    meter_->add(slots_[i].bytes.size());
  });
  if (frames_.empty()) settle_codec(count, decoded);  // nothing is written yet
  write_batch({0, count});
  for (std::size_t i = 0; i < count; ++i) slots_[i].decoded.clear();
  full_ = 0;
}

WrittenPart PartWriter::close() {
  const std::size_t last = full_ < slots_.size() && !slots_[full_].decoded.empty() ? full_ + 1 : full_;
  if (last > 0) write_fed(last);
  if (fed_ == 0) part_.encoding = Encoding::raw();
  return finish();
}

WrittenPart PartWriter::finish() {
  const bool seekable = row().has_frames;
  if (seekable) write_seek_table();
  model::Coding coding = model::Coding::of(row().codec, seekable ? model::Framing::seekable : model::Framing::unknown);
  if (coding.codec == Codec::planes) coding.form = part_.form;
  return {.stored_length = stored_length_, .coding = coding, .digest = finish_digest()};
}

}  // namespace zt::write
