#include "read/pieces.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <optional>
#include <string>

#include "base/utf8.h"
#include "hash/crc32c.h"
#include "read/gather.h"
#include "ztensor/error.h"

namespace zt::read {
namespace {

std::uint64_t whole_pieces(std::uint64_t length) { return length / kPieceBytes + (length % kPieceBytes != 0); }

// The blob that a part lies in, as a part of its own.
model::Recipe blob_recipe(const PartSource& part) {
  model::Recipe recipe = part.recipe;
  recipe.decoded_length = part.view->blob_length;
  recipe.view = model::kWhole;
  return recipe;
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

bool is_range(const model::View& view) {
  const auto& [outer, inner] = view.shape;
  if (outer == 0 || inner == 0) return true;
  return (inner == 1 || view.strides[1] == view.element_bytes) &&
         (outer == 1 || view.strides[0] == inner * view.element_bytes);
}

// A zstd stream that is read from front to back.
struct PieceReader::Stream {
  codec::StreamDecoder decoder;
  std::vector<std::byte> buffer;
  std::span<const std::byte> input;  // of `buffer`, not yet decoded
  std::uint64_t fetched = 0;         // stored bytes
};

// The same part in pieces of kPieceBytes, where its frames give others.
struct PieceReader::Recut {
  Recut(const PartSource& part, Verify verify) : reader(part, verify) {}
  void fetch(Scratch& scratch) {
    held.resize(reader.piece_length(next));
    reader.read(next++, held, scratch);
    used = 0;
  }
  void read(std::span<std::byte> out, Scratch& scratch) {
    while (!out.empty()) {
      if (used == held.size()) {
        fetch(scratch);
        continue;
      }
      const std::size_t taken = std::min(out.size(), held.size() - used);
      std::memcpy(out.data(), held.data() + used, taken);
      used += taken;
      out = out.subspan(taken);
    }
  }
  void finish() {
    Scratch scratch;
    while (next < reader.pieces()) fetch(scratch);  // frames of nothing
    reader.finish();
  }

  PieceReader reader;
  std::size_t next = 0;
  std::vector<std::byte> held;
  std::size_t used = 0;
};

// All of a blob in memory, and the elements of a part among its bytes.
struct PieceReader::Blob {
  Blob(const PartSource& part, Verify verify)
      : view(*part.view),
        recipe(blob_recipe(part)),
        reader({part.store, recipe, part.digest, nullptr, part.decoded_digest}, verify) {}

  // By the first thread that needs it. A failure is kept: decoding again for each piece would be as many times the
  // work.
  void load() {
    const std::lock_guard lock(mutex);
    if (failure) throw *failure;
    if (elements) return;
    try {
      decode();
    } catch (const Error& error) {
      failure = error;
      throw;
    } catch (const std::exception&) {  // the length is held against the file, not against memory
      failure =
          Error(Code::no_memory, "", "no memory for a blob of " + std::to_string(recipe.decoded_length) + " bytes");
      throw *failure;
    }
    const auto stride = [&](std::size_t axis) { return static_cast<std::int64_t>(view.strides[axis]); };
    elements.emplace(bytes.data() + view.start, view.shape, std::array{stride(0), stride(1)}, view.element_bytes,
                     view.swap_bytes);
  }
  void decode() {
    Scratch scratch;
    bytes.resize(static_cast<std::size_t>(recipe.decoded_length));
    for (std::size_t i = 0; i < reader.pieces(); ++i) {
      const auto at = static_cast<std::size_t>(reader.piece_offset(i));
      reader.read(i, std::span(bytes).subspan(at, reader.piece_length(i)), scratch);
    }
    reader.finish();
  }

  model::View view;
  model::Recipe recipe;
  PieceReader reader;
  std::mutex mutex;
  std::optional<Error> failure;
  std::vector<std::byte> bytes;
  std::optional<StridedView> elements;  // once it is loaded
};

PieceReader::~PieceReader() = default;

PieceReader::PieceReader(const PartSource& part, Verify verify, Use use)
    : part_(part), raw_offset_(part.recipe.offset) {
  choose_digest(verify);
  choose_way(verify);
  if (way_ == Way::stream) plan_zstd(verify, use);
  if (way_ == Way::recut || way_ == Way::gather) digest_ = {};  // their readers check it
  count_pieces(use);
}

// zt-1.2 §7
void PieceReader::choose_digest(Verify verify) {
  const bool costly = part_.digest.starts_with("sha256");
  if (verify == Verify::never || (costly && verify != Verify::always)) return;
  const auto digest =
      part_.decoded_digest ? hash::parse_decoded_digest(part_.digest) : hash::parse_digest(part_.digest);
  if (!digest) {
    throw Error(Code::mismatch, "digest.form", "digest " + in_quotes(part_.digest) + " is not of its form");
  }
  digest_ = *digest;
}

// `stream` stands for zstd of any kind here.
void PieceReader::choose_way(Verify verify) {
  const bool raw = part_.recipe.coding == model::Coding::raw;
  way_ = raw ? Way::raw : Way::stream;
  if (part_.view == nullptr) return;
  const model::View& view = *part_.view;
  const bool whole = is_range(view) && view.start == 0 && view.blob_length == decoded_length();
  if (whole || (raw && is_range(view) && digest_.algorithm == Checksum::none)) {
    raw_offset_ += view.start;
    swap_bytes_ = view.swap_bytes;
  } else {
    way_ = Way::gather;
    blob_ = std::make_unique<Blob>(part_, verify);
  }
}

void PieceReader::plan_zstd(Verify verify, Use use) {
  const model::Recipe& recipe = part_.recipe;
  const bool strict = recipe.coding == model::Coding::seekable;
  auto plan = strict ? require_frames(*part_.store, recipe) : find_frames(*part_.store, recipe);
  if (!plan) return;
  const bool plain = plan->frames.empty() ||
                     (plan->piece_bytes == kPieceBytes && plan->starts.size() == whole_pieces(recipe.decoded_length));
  const bool cuts_words = swap_bytes_ != 0 && plan->piece_bytes % swap_bytes_ != 0;
  if (!cuts_words && (plain || use != Use::plain)) {
    way_ = Way::frames;
    plan_ = std::move(*plan);
  } else if (strict) {
    way_ = Way::recut;
    recut_ = std::make_unique<Recut>(PartSource{part_.store, part_.recipe, part_.digest, nullptr, part_.decoded_digest},
                                     verify);
  }
}

void PieceReader::count_pieces(Use use) {
  pieces_ = static_cast<std::size_t>(whole_pieces(decoded_length()));
  if (way_ == Way::frames) {
    pieces_ = plan_.starts.size();
    piece_bytes_ = plan_.piece_bytes;
  }
  over_decoded_ = part_.decoded_digest || way_ == Way::raw;
  ordered_ = way_ == Way::stream || way_ == Way::recut;
  if (digest_.algorithm == Checksum::crc32c && !ordered_) {
    crcs_.resize(pieces_);
    stored_lengths_.resize(pieces_);
  }
  if (digest_.algorithm == Checksum::xxh3 || digest_.algorithm == Checksum::sha256) {
    in_turn_ = std::make_unique<DigestInTurn>(digest_.algorithm);
    if (use != Use::lasting || !over_decoded_ || swap_bytes_ != 0) ordered_ = true;
  }
}

std::size_t PieceReader::piece_length(std::size_t piece) const {
  return static_cast<std::size_t>(piece + 1 < pieces_ ? piece_bytes_ : decoded_length() - piece_offset(piece));
}

std::size_t PieceReader::piece_at(std::uint64_t offset) const {
  return pieces_ <= 1 ? 0 : static_cast<std::size_t>(std::min<std::uint64_t>(offset / piece_bytes_, pieces_ - 1));
}

void PieceReader::read(std::size_t piece, std::span<std::byte> out, Scratch& scratch) {
  switch (way_) {
    case Way::raw:
      part_.store->read_at(raw_offset_ + piece_offset(piece), out);
      take_stored(piece, out);
      break;
    case Way::frames: read_frames(piece, out, scratch); break;
    case Way::stream: read_stream(out); break;
    case Way::recut: recut_->read(out, scratch); break;
    case Way::gather:
      blob_->load();
      blob_->elements->gather(piece_offset(piece), out);
      return;
  }
  if (in_turn_ && over_decoded_) in_turn_->bring(piece, out);
  swap_words(out, swap_bytes_);
}

void PieceReader::take_stored(std::size_t piece, std::span<const std::byte> stored) {
  if (!crcs_.empty()) {
    stored_lengths_[piece] = stored.size();
    crcs_[piece] = hash::crc32c(stored);
  }
  if (in_turn_ && !over_decoded_) in_turn_->bring(piece, stored);
}

void PieceReader::read_frames(std::size_t piece, std::span<std::byte> out, Scratch& scratch) {
  const std::uint64_t start = plan_.starts[piece];
  const std::uint64_t end = piece + 1 < plan_.starts.size() ? plan_.starts[piece + 1] : plan_.frames_end;
  scratch.stored.resize(
      static_cast<std::size_t>(end - start));  // bytes of the file: held against it when it was opened
  part_.store->read_at(part_.recipe.offset + start, scratch.stored);
  take_stored(piece, scratch.stored);
  std::span<const std::byte> stored = scratch.stored;
  const std::size_t first = piece * plan_.frames_per_piece;
  const std::size_t last = std::min(first + plan_.frames_per_piece, plan_.frames.size());
  for (std::size_t i = first; i < last; ++i) {
    const codec::FrameSize frame = plan_.frames[i];
    // A row of nothing and nothing is no frame, and no mistake either.
    if (frame.stored != 0 || frame.decoded != 0) {
      scratch.decoder.decode(stored.first(frame.stored), out.first(frame.decoded));
    }
    stored = stored.subspan(frame.stored);
    out = out.subspan(frame.decoded);
  }
}

// Not when it is made: its window may take 128 MiB, and many parts wait at a time.
void PieceReader::begin_stream() {
  if (!stream_) stream_ = std::make_unique<Stream>();
}

void PieceReader::fill_input() {
  const std::uint64_t left = part_.recipe.stored_length - stream_->fetched;
  stream_->buffer.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, kPieceBytes)));
  part_.store->read_at(part_.recipe.offset + stream_->fetched, stream_->buffer);
  stream_->fetched += stream_->buffer.size();
  stream_->input = stream_->buffer;
  if (digest_.algorithm == Checksum::crc32c) stream_crc_ = hash::crc32c(stream_->buffer, stream_crc_);
  if (in_turn_ && !over_decoded_) in_turn_->append(stream_->buffer);
}

// zt-1.2 §6
void PieceReader::read_stream(std::span<std::byte> out) {
  begin_stream();
  while (!out.empty()) {
    if (stream_->input.empty() && stream_->fetched < part_.recipe.stored_length) fill_input();
    const auto step = stream_->decoder.decode(stream_->input, out);
    stream_->input = stream_->input.subspan(step.used);
    out = out.subspan(step.made);
    if (step.used == 0 && step.made == 0 && stream_->fetched == part_.recipe.stored_length) {
      throw Error(Code::malformed, "zstd.stream.short",
                  "the zstd stream ends " + std::to_string(out.size()) + " bytes before the part of " +
                      std::to_string(decoded_length()) + " is full");
    }
  }
}

// What is left of the stream may hold skippable frames and checksums, but no more content. zt-1.2 §6
void PieceReader::finish_stream() {
  begin_stream();
  if (part_.recipe.stored_length == 0) {
    throw Error(Code::malformed, "zstd.stream.empty", "no stored bytes: even an empty zstd part has a frame");
  }
  std::array<std::byte, 1> more;
  while (true) {
    if (stream_->input.empty() && stream_->fetched < part_.recipe.stored_length) fill_input();
    const auto step = stream_->decoder.decode(stream_->input, more);
    stream_->input = stream_->input.subspan(step.used);
    if (step.made != 0) {
      throw Error(Code::malformed, "zstd.stream.long",
                  "the zstd stream goes on after the part's " + std::to_string(decoded_length()) + " bytes");
    }
    if (step.used == 0 && stream_->input.empty() && stream_->fetched == part_.recipe.stored_length) break;
  }
  if (!stream_->decoder.at_frame_end()) {
    throw Error(Code::malformed, "zstd.stream.truncated", "the zstd stream ends within a frame");
  }
}

void PieceReader::finish() {
  if (way_ == Way::stream) finish_stream();
  if (way_ == Way::recut) recut_->finish();
  if (way_ == Way::gather) blob_->load();  // a part of nothing may lie in a blob of something
  finish_digest();
}

// zt-1.2 §7
void PieceReader::finish_digest() {
  if (digest_.algorithm == Checksum::none) return;
  hash::Digest found{.algorithm = digest_.algorithm, .crc = stream_crc_};
  if (in_turn_) {
    if (!over_decoded_) in_turn_->append(plan_.table);
    found = in_turn_->finish();
  } else if (way_ != Way::stream) {
    for (std::size_t i = 0; i < crcs_.size(); ++i) {
      found.crc = hash::crc32c_join(found.crc, crcs_[i], stored_lengths_[i]);
    }
    found.crc = hash::crc32c(plan_.table, found.crc);
  }
  if (found == digest_) return;
  throw Error(Code::mismatch, "digest.mismatch",
              std::string(part_.decoded_digest ? "the decoded bytes of " : "bytes ") +
                  std::to_string(part_.recipe.offset) + " + " + std::to_string(part_.recipe.stored_length) +
                  " have digest " + hash::format_digest(found) + ", the file says " + std::string(part_.digest));
}

// zt-1.2 §6
std::uint64_t measure(const PartSource& part, std::uint64_t most, run::Meter& meter) {
  const model::Recipe& recipe = part.recipe;
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
      throw Error(Code::limit, "zstd.stream.limit", "more decoded bytes than the limit of " + std::to_string(most));
    if (step.used == 0 && step.made == 0 && fetched == recipe.stored_length) break;
  }
  if (recipe.stored_length == 0 || !decoder.at_frame_end()) {
    throw Error(Code::malformed, "zstd.stream.truncated", "the zstd stream ends within a frame");
  }
  return made;
}

}  // namespace zt::read
