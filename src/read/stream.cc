#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/count_text.h"
#include "codec/codecs.h"
#include "read/digest_check.h"
#include "read/fetcher.h"
#include "read/gather.h"
#include "read/ways.h"
#include "ztensor/error.h"

namespace zt::read {
namespace {

// The stored bytes of a part, decoded from front to back.
class Stream {
 public:
  explicit Stream(const PartSource& part)
      : fetcher_(*part.store),
        recipe_(part.recipe),
        row_(codec::row_of(recipe_.coding.codec)),
        decoder_(row_.part_decoder()) {}

  codec::PartDecoder::Step decode(std::span<std::byte> out, DigestCheck* stored) {
    if (input_.empty() && fetched_ < recipe_.stored_length) fetch(stored);
    const auto step = decoder_->decode(input_, out);
    input_ = input_.subspan(step.used);
    return step;
  }
  bool at_end() const { return input_.empty() && fetched_ == recipe_.stored_length; }
  // Call it when the last decoded byte is there and no stored byte is left.
  void check_end() const {
    if (decoder_->at_end()) return;
    throw Error(Code::malformed, row_.rules.truncated, "the " + name() + " stream ends too early: bytes are missing");
  }
  const codec::Row& row() const { return row_; }
  std::string name() const { return std::string(row_.name); }

 private:
  void fetch(DigestCheck* stored) {
    buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(recipe_.stored_length - fetched_, kPieceBytes)));
    fetcher_.fetch({recipe_.offset + fetched_, buffer_.size()}, buffer_);
    fetched_ += buffer_.size();
    input_ = buffer_;
    if (stored != nullptr) stored->append(buffer_);
  }

  Fetcher fetcher_;
  model::Recipe recipe_;
  const codec::Row& row_;
  std::unique_ptr<codec::PartDecoder> decoder_;
  std::vector<std::byte> buffer_;
  std::span<const std::byte> input_;  // bytes of the buffer that are not yet decoded
  std::uint64_t fetched_ = 0;         // stored bytes so far
};

class StreamPieces final : public Pieces {
 public:
  StreamPieces(const PartSource& part, Verify verify) : part_(part), check_(part, verify, false) {
    count_plain(part.recipe.decoded_length);
    if (check_.over_decoded()) check_.expect(count_);
    ordered_ = true;
  }
  void read(std::size_t piece, std::span<std::byte> out, Scratch&) override;
  void finish() override;

 private:
  // Made late: its window may take 128 MiB, and many parts may wait at once.
  Stream& stream() {
    if (!stream_) stream_ = std::make_unique<Stream>(part_);
    return *stream_;
  }
  DigestCheck* stored_check() { return check_.over_decoded() ? nullptr : &check_; }

  PartSource part_;
  DigestCheck check_;
  std::unique_ptr<Stream> stream_;  // null until the first read
};

// zt-1.2 §6
void StreamPieces::read(std::size_t piece, std::span<std::byte> out, Scratch&) {
  for (std::span<std::byte> left = out; !left.empty();) {
    const auto step = stream().decode(left, stored_check());
    left = left.subspan(step.made);
    if (step.used == 0 && step.made == 0 && stream().at_end()) {
      throw Error(Code::malformed, stream().row().rules.shorter,
                  "the " + stream().name() + " stream ends " + count_text(left.size(), "byte") +
                      " too early: the part has " + count_text(length_, "byte"));
    }
  }
  if (check_.over_decoded()) check_.take(piece, out);
  swap_words(out, part_.recipe.swap);
}

// After its content a stream may hold skippable frames and checksums, but no more content. zt-1.2 §6
void StreamPieces::finish() {
  if (part_.recipe.stored_length == 0) {
    throw Error(Code::malformed, stream().row().rules.empty,
                "the " + stream().name() + " part has no stored bytes: even an empty part needs some");
  }
  std::array<std::byte, 1> more;
  while (true) {
    const auto step = stream().decode(more, stored_check());
    if (step.made != 0) {
      throw Error(Code::malformed, stream().row().rules.longer,
                  "the " + stream().name() + " stream decodes to more than the part's " + count_text(length_, "byte"));
    }
    if (step.used == 0 && stream().at_end()) break;
  }
  stream().check_end();
  check_.finish();
}

}  // namespace

std::unique_ptr<Pieces> open_stream(const PartSource& part, Verify verify) {
  return std::make_unique<StreamPieces>(part, verify);
}

// zt-1.2 §6
std::uint64_t measure(const PartSource& part, std::uint64_t most, run::Meter& meter) {
  Stream stream(part);
  std::vector<std::byte> out(kPieceBytes);
  std::uint64_t made = 0;
  while (true) {
    const auto step = stream.decode(out, nullptr);
    made += step.made;
    meter.poll();
    if (made > most) {
      throw Error(Code::limit, stream.row().rules.limit,
                  "the part decodes to more than the limit of " + std::to_string(most) + " bytes");
    }
    if (step.used == 0 && step.made == 0 && stream.at_end()) break;
  }
  stream.check_end();
  return made;
}

}  // namespace zt::read
