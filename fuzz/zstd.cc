// A zstd stream, and a part with a seek table. Laws: a stream decodes to the same bytes, or breaks the same rule, in
// whatever pieces it comes; FrameDecoder agrees with StreamDecoder; so do the frames that a seek table lists; an
// encoded table parses to the same table; a frame that we made decodes to its input.

#include "codec/zstd.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "ztensor/error.h"

namespace {

using zt::codec::FrameSize;
using Data = std::vector<std::byte>;
using View = std::span<const std::byte>;

constexpr std::size_t kMostDecoded = std::size_t{1} << 20;  // decoding stops here: more would only be slow

void law(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  Data decoded;
  std::string_view rule = "whole";
  bool cut = false;
};

// Sizes of pieces, 1 to `most`, in a random order that follows from `seed`.
class Pieces {
 public:
  Pieces(std::uint32_t seed, std::size_t most) : state_(seed), most_(most) {}
  std::size_t next() {
    state_ = state_ * 1664525 + 1013904223;
    return 1 + (state_ >> 8) % most_;
  }

 private:
  std::uint32_t state_;
  std::size_t most_;
};

Outcome stream(View stored, Pieces in, Pieces out) {
  Outcome outcome;
  Data room;
  try {
    zt::codec::StreamDecoder decoder;
    for (;;) {
      room.resize(out.next());
      const View piece = stored.first(std::min(in.next(), stored.size()));
      const auto step = decoder.decode(piece, room);
      law(step.used <= piece.size() && step.made <= room.size());
      law(step.used == piece.size() || step.made == room.size());
      outcome.decoded.insert(outcome.decoded.end(), room.begin(),
                             room.begin() + static_cast<std::ptrdiff_t>(step.made));
      stored = stored.subspan(step.used);
      outcome.cut = outcome.decoded.size() > kMostDecoded;
      if (outcome.cut) return outcome;
      if (stored.empty() && step.made < room.size()) break;
    }
    if (!decoder.at_end()) outcome.rule = "unfinished";
  } catch (const zt::Error& e) {
    outcome.rule = e.rule();
  }
  return outcome;
}

Outcome one_shot(View stored, std::size_t size) {
  Outcome outcome;
  outcome.decoded.resize(size);
  try {
    zt::codec::FrameDecoder().decode(stored, outcome.decoded);
  } catch (const zt::Error& e) {
    outcome.rule = e.rule();
  }
  return outcome;
}

// Whether there may be the header of a compressed block without content. libzstd 1.5.4 skips such a block in a stream,
// and refuses it if it gets the whole frame at once.
bool may_have_hollow_block(View stored) {
  for (std::size_t i = 0; i + 3 <= stored.size(); ++i) {
    const auto first = std::to_integer<unsigned>(stored[i]);
    if ((first & 0xFE) == 4 && stored[i + 1] == std::byte{0} && stored[i + 2] == std::byte{0}) return true;
  }
  return false;
}

Outcome check_stream(View stored, std::uint32_t seed) {
  Outcome whole = stream(stored, {seed, stored.size() + 1}, {seed, std::size_t{1} << 16});
  const Outcome odd = stream(stored, {seed, 1 + seed % 61}, {seed + 1, 1 + seed % 100003});
  if (!whole.cut && !odd.cut) {
    law(whole.rule == odd.rule);
    // Before an error, the number of decoded bytes depends on the room in the output.
    law(whole.rule != "whole" || whole.decoded == odd.decoded);
  }
  if (whole.cut) return whole;
  const Outcome at_once = one_shot(stored, whole.decoded.size());
  const bool hollow = whole.rule == "whole" && at_once.rule != "whole" && may_have_hollow_block(stored);
  law((at_once.rule == "whole") == (whole.rule == "whole") || whole.rule == "zstd.window" || hollow);
  if (whole.rule == "whole" && !hollow) law(at_once.decoded == whole.decoded);
  return whole;
}

// The decoded bytes of the frames that a table at the end of `part` lists, if there is a table and the frames fill the
// part.
Outcome seek(View part) {
  Outcome outcome;
  outcome.rule = "no table";
  if (part.size() < zt::codec::kTableFooterBytes) return outcome;
  const auto length = zt::codec::seek_table_length(part.last(zt::codec::kTableFooterBytes));
  if (!length || *length > part.size()) return outcome;
  const auto frames = zt::codec::parse_seek_table(part.last(static_cast<std::size_t>(*length)));
  if (!frames) return outcome;
  View left = part.first(part.size() - static_cast<std::size_t>(*length));
  for (const FrameSize& frame : *frames) {
    if (frame.stored > left.size() || outcome.decoded.size() + frame.decoded > kMostDecoded) return outcome;
    const Outcome one = one_shot(left.first(frame.stored), frame.decoded);
    if (one.rule != "whole") return outcome;
    outcome.decoded.insert(outcome.decoded.end(), one.decoded.begin(), one.decoded.end());
    left = left.subspan(frame.stored);
  }
  if (left.empty()) outcome.rule = "whole";
  return outcome;
}

// Takes the bytes for sizes of frames. If a table can state the sizes, they must parse again; otherwise they must not.
void check_table(View bytes) {
  std::vector<FrameSize> frames(bytes.size() / sizeof(FrameSize));
  if (!frames.empty()) std::memcpy(frames.data(), bytes.data(), frames.size() * sizeof(FrameSize));
  bool tellable = true;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    if (std::to_integer<unsigned>(bytes[0]) % 2 == 0) frames[i].decoded = i + 1 < frames.size() ? 4096 : 77;
    tellable = tellable && frames[i].decoded <= zt::codec::kMaxFrameBytes;
    tellable = tellable && (i + 1 == frames.size() || frames[i].decoded == frames[0].decoded);
  }
  const Data table = zt::codec::encode_seek_table(frames);
  law(zt::codec::seek_table_length(View(table).last(zt::codec::kTableFooterBytes)) == table.size());
  const auto parsed = zt::codec::parse_seek_table(table);
  law(parsed.has_value() == tellable);
  if (parsed) law(*parsed == frames);
  law(stream(table, {1, table.size()}, {1, 16}).rule == "whole");  // a decoder takes the table for a skippable frame
}

void check_round_trip(View bytes, std::uint32_t seed) {
  const View decoded = bytes.first(std::min(bytes.size(), zt::codec::kFrameBytes));
  const Data stored = zt::codec::FrameEncoder(1 + static_cast<int>(seed % 4)).encode(decoded);
  const Outcome outcome = check_stream(stored, seed);
  law(outcome.rule == "whole" &&
      std::equal(decoded.begin(), decoded.end(), outcome.decoded.begin(), outcome.decoded.end()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const View input = std::as_bytes(std::span(data, size));
  std::uint32_t seed = static_cast<std::uint32_t>(size);  // the same input gives the same pieces
  for (const std::uint8_t byte : std::span(data, std::min<std::size_t>(size, 64))) seed = seed * 31 + byte;

  const Outcome streamed = check_stream(input, seed);
  const Outcome sought = seek(input);
  if (sought.rule == "whole" && !streamed.cut && streamed.rule != "zstd.window") {
    law(streamed.rule == "whole" && streamed.decoded == sought.decoded);
  }
  check_table(input);
  check_round_trip(input, seed);
  return 0;
}
