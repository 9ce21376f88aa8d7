#include "library/part_writer.h"

#include <algorithm>
#include <array>

#include "hash/crc32c.h"
#include "run/parallel.h"

namespace zt::library {
namespace {

constexpr std::size_t kBatch = 64;  // pieces at work at once: what bounds memory
constexpr std::size_t kChunk = std::size_t{256} << 10;
constexpr std::size_t kSmall = std::size_t{64} << 10;
constexpr std::size_t kBuffer = std::size_t{1} << 20;

std::size_t length_of(const PieceSource& source, std::size_t piece) {
  return static_cast<std::size_t>(
      std::min<std::uint64_t>(read::kPieceBytes, source.length() - piece * read::kPieceBytes));
}

}  // namespace

void Output::write(std::span<const std::byte> bytes) {
  position_ += bytes.size();
  if (bytes.size() >= kSmall) {
    flush();
    sink_->write(bytes);
    return;
  }
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  if (buffer_.size() >= kBuffer) flush();
}

void Output::pad(std::uint64_t alignment) {
  static constexpr std::array<std::byte, 4096> kZeros = {};
  std::uint64_t left = (alignment - position_ % alignment) % alignment;
  while (left > 0) {
    const std::size_t step = std::min<std::uint64_t>(left, kZeros.size());
    write(std::span(kZeros).first(step));
    left -= step;
  }
}

void Output::flush() {
  if (!buffer_.empty()) sink_->write(buffer_);
  buffer_.clear();
}

std::vector<std::byte> PartWriter::compress(std::span<const std::byte> decoded) {
  std::unique_ptr<codec::FrameEncoder> encoder;
  {
    const std::lock_guard lock(mutex_);
    if (!encoders_.empty()) {
      encoder = std::move(encoders_.back());
      encoders_.pop_back();
    }
  }
  if (!encoder) encoder = std::make_unique<codec::FrameEncoder>(encoding_.level());
  std::vector<std::byte> stored = encoder->encode(decoded);
  const std::lock_guard lock(mutex_);
  encoders_.push_back(std::move(encoder));
  return stored;
}

void PartWriter::make_stored(Slot& slot) {
  if (!encoding_.is_raw()) {
    slot.stored = compress(slot.bytes);
  }
  const auto bytes = encoding_.is_raw() ? slot.bytes : std::span<const std::byte>(slot.stored);
  if (checksum_ == Checksum::crc32c) slot.crc = hash::crc32c(bytes);
}

void PartWriter::make_batch(PieceSource& source, std::size_t first, std::size_t count) {
  const auto memory = source.in_memory();
  const auto fill = [&](std::size_t i) {
    Slot& slot = slots_[i];
    const std::size_t length = length_of(source, first + i);
    if (!memory.empty()) {
      slot.bytes = memory.subspan((first + i) * read::kPieceBytes, length);
      return;
    }
    slot.decoded.resize(length);
    source.read(first + i, slot.decoded, slot.scratch);
    slot.bytes = slot.decoded;
  };
  if (slots_.size() < count) slots_.resize(count);
  if (source.ordered()) {
    for (std::size_t i = 0; i < count; ++i) fill(i);
  }
  run::parallel_for(count, count * read::kPieceBytes, threads_, *meter_, [&](std::size_t i) {
    if (!source.ordered()) fill(i);
    make_stored(slots_[i]);
    meter_->add(slots_[i].bytes.size());
  });
}

// Whether zstd saves a sixteenth of the batch. Else it is not worth decoding.
bool PartWriter::shrinks(std::size_t count, std::uint64_t decoded) const {
  std::uint64_t stored = 0;
  for (std::size_t i = 0; i < count; ++i) stored += slots_[i].stored.size();
  return stored <= decoded - decoded / 16;
}

void PartWriter::digest_and_write(std::span<const std::byte> bytes, std::uint32_t crc) {
  if (checksum_ == Checksum::crc32c) crc_ = hash::crc32c_join(crc_, crc, bytes.size());
  if (sha_) sha_->update(bytes);
  stored_length_ += bytes.size();
  output_.write(bytes);
}

void PartWriter::write_batch(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    Slot& slot = slots_[i];
    if (encoding_.is_raw()) {
      digest_and_write(slot.bytes, slot.crc);
    } else {
      frames_.push_back(
          {static_cast<std::uint32_t>(slot.stored.size()), static_cast<std::uint32_t>(slot.bytes.size())});
      digest_and_write(slot.stored, slot.crc);
    }
  }
}

// Raw bytes of memory: digested and written in chunks that the nearer caches hold, so that both cost one pass.
void PartWriter::write_memory(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto chunk = bytes.first(std::min(bytes.size(), kChunk));
    if (checksum_ == Checksum::crc32c) crc_ = hash::crc32c(chunk, crc_);  // in order, so nothing is to be joined
    if (sha_) sha_->update(chunk);
    stored_length_ += chunk.size();
    output_.write(chunk);
    meter_->add(chunk.size());
    meter_->poll();
    bytes = bytes.subspan(chunk.size());
  }
}

StoredPart PartWriter::write(PieceSource& source, Encoding encoding, Checksum checksum, run::Meter& meter) {
  const std::uint64_t length = source.length();
  auto pieces = static_cast<std::size_t>(length / read::kPieceBytes + (length % read::kPieceBytes != 0));
  if (!encoding.is_raw() && encoding.level() != encoders_level_) {
    encoders_.clear();
    encoders_level_ = encoding.level();
  }
  meter_ = &meter;
  encoding_ = length == 0 ? Encoding::raw() : encoding;
  checksum_ = checksum;
  frames_.clear();
  stored_length_ = 0;
  crc_ = 0;
  sha_.reset();
  if (checksum == Checksum::sha256) sha_.emplace();

  const auto memory = source.in_memory();
  if (encoding_.is_raw() && !memory.empty()) {
    write_memory(memory);
    pieces = 0;
  }
  for (std::size_t first = 0; first < pieces; first += kBatch) {
    const std::size_t count = std::min(kBatch, pieces - first);
    make_batch(source, first, count);
    const std::uint64_t decoded = std::min<std::uint64_t>(count * read::kPieceBytes, length);
    if (first == 0 && !encoding_.is_raw() && !shrinks(count, decoded)) {
      encoding_ = Encoding::raw();
      for (std::size_t i = 0; i < count; ++i) make_stored(slots_[i]);
    }
    write_batch(count);
  }
  source.finish();
  if (!encoding_.is_raw()) {
    const std::vector<std::byte> table = codec::encode_seek_table(frames_);
    digest_and_write(table, checksum == Checksum::crc32c ? hash::crc32c(table) : 0);
  }
  StoredPart stored{.stored_length = stored_length_, .zstd = !encoding_.is_raw(), .digest = {}};
  stored.digest.algorithm = checksum;
  stored.digest.crc = crc_;
  if (sha_) stored.digest.sha = sha_->finish();
  return stored;
}

}  // namespace zt::library
