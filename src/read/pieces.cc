#include "read/pieces.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/utf8.h"
#include "hash/crc32c.h"
#include "ztensor/error.h"

namespace zt::read {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

bool wanted(const hash::Digest& digest, Check check) {
  if (digest.algorithm == Checksum::crc32c) return check != Check::none;
  return digest.algorithm == Checksum::sha256 && check == Check::all;
}

}  // namespace

std::unique_ptr<Scratch> Scratches::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      std::unique_ptr<Scratch> scratch = std::move(free_.back());
      free_.pop_back();
      return scratch;
    }
  }
  return std::make_unique<Scratch>();
}

void Scratches::give(std::unique_ptr<Scratch> scratch) {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(scratch));
}

// A zstd stream that is read from front to back.
struct PieceReader::Stream {
  codec::StreamDecoder decoder;
  std::vector<std::byte> buffer;
  std::span<const std::byte> input;  // of `buffer`, not yet decoded
  std::uint64_t fetched = 0;         // stored bytes
};

PieceReader::PieceReader(const PartSource& part, Check check, bool plain) : part_(part) {
  const auto digest = hash::parse_digest(part.digest);
  if (digest && wanted(*digest, check)) digest_ = *digest;
  if (!digest && (part.digest.starts_with("crc32c") ? check != Check::none : check == Check::all)) {
    throw Error(Code::mismatch, "digest.form", "digest " + in_quotes(part.digest) + " is not of its form");
  }
  if (digest_.algorithm == Checksum::sha256) {
    sha_ = std::make_unique<hash::Sha256>();
    ordered_ = true;
  }
  if (part.recipe->coding == model::Coding::zstd) plan_frames();
  if (plain && piece_bytes_ != kPieceBytes) {
    frames_.clear();
    piece_bytes_ = kPieceBytes;
  }
  if (part.recipe->coding == model::Coding::zstd && frames_.empty()) {
    streamed_ = true;
    ordered_ = true;
  }
  const std::uint64_t length = part.recipe->decoded_length;
  pieces_ = static_cast<std::size_t>(length / piece_bytes_ + (length % piece_bytes_ != 0));
  if (streamed_) return;
  crcs_.resize(pieces_);
  stored_lengths_.resize(pieces_);
}

// Takes the seek table when there is one that agrees with the part; a stream is decoded from front to back otherwise.
void PieceReader::plan_frames() {
  const model::Recipe& recipe = *part_.recipe;
  if (recipe.stored_length < codec::kTableFooterBytes) return;
  std::array<std::byte, codec::kTableFooterBytes> footer;
  const std::uint64_t end = recipe.offset + recipe.stored_length;
  part_.store->read_at(end - footer.size(), footer);
  const auto length = codec::seek_table_length(footer);
  if (!length || *length > recipe.stored_length) return;
  std::vector<std::byte> table(static_cast<std::size_t>(*length));
  part_.store->read_at(end - *length, table);
  auto frames = codec::parse_seek_table(table);
  if (!frames || frames->empty() || frames->front().decoded == 0) return;

  std::uint64_t stored = 0;
  std::uint64_t decoded = 0;
  const std::uint64_t per_piece = std::max<std::uint64_t>(1, kPieceBytes / frames->front().decoded);
  std::vector<std::uint64_t> starts;
  for (std::size_t i = 0; i < frames->size(); ++i) {
    // A last frame of nothing, or of more than the first, would lie outside the pieces that are counted from the length.
    if ((*frames)[i].decoded == 0 || (*frames)[i].decoded > frames->front().decoded) return;
    if (i % per_piece == 0) starts.push_back(stored);
    stored += (*frames)[i].stored;  // sums of 32-bit numbers, fewer than 2^32 of them
    decoded += (*frames)[i].decoded;
  }
  if (stored != recipe.stored_length - *length || decoded != recipe.decoded_length) return;
  frames_ = std::move(*frames);
  frame_starts_ = std::move(starts);
  frames_per_piece_ = static_cast<std::size_t>(per_piece);
  piece_bytes_ = per_piece * frames_.front().decoded;
  table_ = std::move(table);
}

std::size_t PieceReader::piece_length(std::size_t piece) const {
  return static_cast<std::size_t>(std::min(piece_bytes_, decoded_length() - piece_offset(piece)));
}

void PieceReader::read(std::size_t piece, std::span<std::byte> out, Scratch& scratch) {
  if (streamed_) return read_stream(out);
  if (!frames_.empty()) return read_frames(piece, out, scratch);
  part_.store->read_at(part_.recipe->offset + piece_offset(piece), out);
  take_stored(piece, out);
}

void PieceReader::take_stored(std::size_t piece, std::span<const std::byte> stored) {
  stored_lengths_[piece] = stored.size();
  if (digest_.algorithm == Checksum::crc32c) crcs_[piece] = hash::crc32c(stored);
  if (sha_) sha_->update(stored);
}

void PieceReader::read_frames(std::size_t piece, std::span<std::byte> out, Scratch& scratch) {
  const std::uint64_t start = frame_starts_[piece];
  const std::uint64_t end =
      piece + 1 < frame_starts_.size() ? frame_starts_[piece + 1] : part_.recipe->stored_length - table_.size();
  scratch.stored.resize(
      static_cast<std::size_t>(end - start));  // bytes of the file: held against it when it was opened
  part_.store->read_at(part_.recipe->offset + start, scratch.stored);
  take_stored(piece, scratch.stored);
  std::span<const std::byte> stored = scratch.stored;
  const std::size_t first = piece * frames_per_piece_;
  const std::size_t last = std::min(first + frames_per_piece_, frames_.size());
  for (std::size_t i = first; i < last; ++i) {
    scratch.decoder.decode(stored.first(frames_[i].stored), out.first(frames_[i].decoded));
    stored = stored.subspan(frames_[i].stored);
    out = out.subspan(frames_[i].decoded);
  }
}

// Not when it is made: its window may take 128 MiB, and many parts wait at a time.
void PieceReader::begin_stream() {
  if (!stream_) stream_ = std::make_shared<Stream>();
}

void PieceReader::fill_input() {
  const std::uint64_t left = part_.recipe->stored_length - stream_->fetched;
  stream_->buffer.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, kPieceBytes)));
  part_.store->read_at(part_.recipe->offset + stream_->fetched, stream_->buffer);
  stream_->fetched += stream_->buffer.size();
  stream_->input = stream_->buffer;
  if (digest_.algorithm == Checksum::crc32c) digest_crc_ = hash::crc32c(stream_->buffer, digest_crc_);
  if (sha_) sha_->update(stream_->buffer);
}

void PieceReader::read_stream(std::span<std::byte> out) {
  begin_stream();
  while (!out.empty()) {
    if (stream_->input.empty() && stream_->fetched < part_.recipe->stored_length) fill_input();
    const auto step = stream_->decoder.decode(stream_->input, out);
    stream_->input = stream_->input.subspan(step.used);
    out = out.subspan(step.made);
    if (step.used == 0 && step.made == 0 && stream_->fetched == part_.recipe->stored_length) {
      throw Error(Code::malformed, "zstd.stream.short",
                  "the zstd stream ends " + number(out.size()) + " bytes before the part of " +
                      number(decoded_length()) + " is full");
    }
  }
}

// What is left of the stream may hold skippable frames and checksums, but no more content.
void PieceReader::finish_stream() {
  begin_stream();
  if (part_.recipe->stored_length == 0) {
    throw Error(Code::malformed, "zstd.stream.empty", "no stored bytes: even an empty zstd part has a frame");
  }
  std::array<std::byte, 1> more;
  while (true) {
    if (stream_->input.empty() && stream_->fetched < part_.recipe->stored_length) fill_input();
    const auto step = stream_->decoder.decode(stream_->input, more);
    stream_->input = stream_->input.subspan(step.used);
    if (step.made != 0) {
      throw Error(Code::malformed, "zstd.stream.long",
                  "the zstd stream goes on after the part's " + number(decoded_length()) + " bytes");
    }
    if (step.used == 0 && stream_->input.empty() && stream_->fetched == part_.recipe->stored_length) break;
  }
  if (!stream_->decoder.at_frame_end()) {
    throw Error(Code::malformed, "zstd.stream.truncated", "the zstd stream ends within a frame");
  }
}

void PieceReader::finish() {
  if (streamed_) finish_stream();
  if (sha_) {
    if (!streamed_) sha_->update(table_);
    hash::Digest found{.algorithm = Checksum::sha256, .sha = sha_->finish()};
    if (found.sha != digest_.sha) throw_mismatch(found);
  }
  if (digest_.algorithm != Checksum::crc32c) return;
  std::uint32_t crc = digest_crc_;
  if (!streamed_) {
    for (std::size_t i = 0; i < pieces_; ++i) crc = hash::crc32c_join(crc, crcs_[i], stored_lengths_[i]);
    crc = hash::crc32c(table_, crc);
  }
  if (crc != digest_.crc) throw_mismatch({.algorithm = Checksum::crc32c, .crc = crc});
}

void PieceReader::throw_mismatch(const hash::Digest& found) const {
  throw Error(Code::mismatch, "digest.mismatch",
              "bytes " + number(part_.recipe->offset) + " + " + number(part_.recipe->stored_length) + " have digest " +
                  hash::format_digest(found) + ", the file says " + std::string(part_.digest));
}

std::uint64_t measure(const PartSource& part, std::uint64_t most, run::Meter& meter) {
  const model::Recipe& recipe = *part.recipe;
  codec::StreamDecoder decoder;
  std::vector<std::byte> buffer;
  std::vector<std::byte> out(kPieceBytes);
  std::uint64_t made = 0;
  std::uint64_t fetched = 0;
  std::span<const std::byte> input;
  while (true) {
    if (input.empty() && fetched < recipe.stored_length) {
      buffer.resize(static_cast<std::size_t>(std::min<std::uint64_t>(recipe.stored_length - fetched, kPieceBytes)));
      part.store->read_at(recipe.offset + fetched, buffer);
      fetched += buffer.size();
      input = buffer;
    }
    const auto step = decoder.decode(input, out);
    input = input.subspan(step.used);
    made += step.made;
    meter.poll();
    if (made > most)
      throw Error(Code::limit, "zstd.stream.limit", "more decoded bytes than the limit of " + number(most));
    if (step.used == 0 && step.made == 0 && fetched == recipe.stored_length) break;
  }
  if (recipe.stored_length == 0 || !decoder.at_frame_end()) {
    throw Error(Code::malformed, "zstd.stream.truncated", "the zstd stream ends within a frame");
  }
  return made;
}

}  // namespace zt::read
