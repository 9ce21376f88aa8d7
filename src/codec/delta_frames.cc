#include "codec/delta_frames.h"

#include <zstd.h>

#include <algorithm>
#include <string>

#include "base/endian.h"
#include "codec/blocks.h"
#include "codec/entropy.h"
#include "codec/zstd_context.h"
#include "ztensor/error.h"

namespace zt::codec {
namespace {

using View = std::span<const std::byte>;

// How a run of bytes is stored.
enum class Kind : std::uint8_t {
  plain,   // raw blocks, or blocks of one repeated byte
  codes,   // Huffman codes
  copies,  // zstd at level 1, for long runs
};

struct Run {
  Kind kind = Kind::plain;
  View bytes;
};

constexpr std::size_t kSmall = 8192;        // content that is one frame
constexpr std::size_t kFewBytes = 64;       // of a bucket that is judged together with the next one
constexpr std::uint64_t kTableBytes = 48;   // what a table of codes takes
constexpr std::size_t kMostCounted = 4096;  // bytes of a sample

// Counts that stand for all bytes of a run.
struct Spread {
  ByteCounts counts = {};
  std::uint32_t total = 0;

  void add(const Spread& other) {
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
    total += other.total;
  }
  // Bits of all bytes, in units of 1 / kEntropyBit, if each value has a code of its own. `with`: another spread that
  // has the same codes.
  std::uint64_t cost(const Spread* with = nullptr) const {
    std::uint64_t sum = 0;
    const std::uint32_t all = total + (with != nullptr ? with->total : 0);
    bool is_repeated = false;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const std::uint32_t count = counts[i] + (with != nullptr ? with->counts[i] : 0);
      if (count != 0) sum += std::uint64_t{count} * rough_log2_of(count);
      is_repeated = is_repeated || count == all;
    }
    if (is_repeated) return 0;
    return std::uint64_t{all} * rough_log2_of(all) - std::min(sum, std::uint64_t{all} * rough_log2_of(all));
  }
};

Spread spread_of(View bytes) {
  Spread spread;
  const std::size_t step = bytes.size() / kMostCounted + 1;
  std::uint32_t counted = 0;
  for (std::size_t i = 0; i < bytes.size(); i += step, ++counted)
    ++spread.counts[std::to_integer<std::size_t>(bytes[i])];
  for (std::uint32_t& count : spread.counts) count *= static_cast<std::uint32_t>(step);
  spread.total = counted * static_cast<std::uint32_t>(step);
  return spread;
}

// Makes frames whose blocks end where the caller says.
class Stream {
 public:
  explicit Stream(int level) : context_(level) {}
  void set(ZSTD_cParameter parameter, int value) { context_.set(parameter, value); }
  // One frame of these runs, each of which ends a block.
  void add(std::span<const Run> runs, std::vector<std::byte>& out) {
    std::size_t size = 0;
    for (const Run& run : runs) size += run.bytes.size();
    zstd_result(ZSTD_CCtx_reset(context_.get(), ZSTD_reset_session_only));
    zstd_result(ZSTD_CCtx_setPledgedSrcSize(context_.get(), size));
    std::size_t at = out.size();
    out.resize(at + ZSTD_compressBound(size) + 16 * runs.size() + 64);
    for (std::size_t i = 0; i < runs.size(); ++i) {
      ZSTD_inBuffer in = {runs[i].bytes.data(), runs[i].bytes.size(), 0};
      const ZSTD_EndDirective end = i + 1 == runs.size() ? ZSTD_e_end : ZSTD_e_flush;
      for (std::size_t left = 1; left != 0;) {
        ZSTD_outBuffer room = {out.data() + at, out.size() - at, 0};
        left = zstd_result(ZSTD_compressStream2(context_.get(), &room, &in, end));
        at += room.pos;
        if (left != 0) out.resize(out.size() + left + 64);
      }
    }
    out.resize(at);
  }
  std::size_t size_of(View bytes, std::vector<std::byte>& buffer) {
    buffer.resize(std::max(buffer.size(), ZSTD_compressBound(bytes.size())));
    return zstd_result(ZSTD_compress2(context_.get(), buffer.data(), buffer.size(), bytes.data(), bytes.size()));
  }

 private:
  ZstdContext context_;
};

// A frame of a single segment that libzstd has no part in.
void add_plain(std::span<const Run> runs, std::vector<std::byte>& out) {
  std::size_t size = 0;
  for (const Run& run : runs) size += run.bytes.size();
  std::vector<std::byte> made;
  FrameBuilder frame(made, size, size + 3 * runs.size() + 64, FrameBuilder::Checksum::no);
  for (const Run& run : runs) {
    const bool is_repeated = run.bytes.size() > 1 &&
                             std::ranges::all_of(run.bytes, [&](std::byte byte) { return byte == run.bytes.front(); });
    if (is_repeated) {
      frame.add_repeated(run.bytes.front(), run.bytes.size());
    } else {
      frame.add_raw(run.bytes);
    }
  }
  frame.finish();
  out.insert(out.end(), made.begin(), made.end());
}

}  // namespace

struct DeltaFrames::State {
  State() : codes(ZSTD_minCLevel()), copies(1) {
    codes.set(ZSTD_c_experimentalParam5, 1);  // ZSTD_c_literalCompressionMode: Huffman codes at any level
  }
  Kind kind_of(View bytes, const Spread& spread);
  void cut(View section, std::span<const std::uint32_t> cuts);
  void end_run(View bytes, const Spread& spread) { runs.push_back({kind_of(bytes, spread), bytes}); }

  Stream codes;  // so far from looking for matches that it hardly finds any
  Stream copies;
  std::vector<std::byte> buffer, sample;
  std::vector<Run> runs;
};

DeltaFrames::DeltaFrames() : state_(std::make_unique<State>()) {}
DeltaFrames::~DeltaFrames() = default;

Kind DeltaFrames::State::kind_of(View bytes, const Spread& spread) {
  constexpr std::uint64_t kNoise = kEntropyBit * 79 / 10;  // bits of a byte, above which nothing is gained
  constexpr std::uint64_t kMayRun = kEntropyBit * 5 / 2;  // bits of a byte, above which bytes hardly come again in runs
  constexpr std::size_t kTried = std::size_t{16} << 10;   // bytes
  constexpr std::size_t kParts = 4;
  const std::uint64_t cost = spread.cost();
  if (cost == 0 && std::ranges::all_of(bytes, [&](std::byte byte) { return byte == bytes.front(); }))
    return Kind::plain;
  if (cost > kNoise * spread.total) return Kind::plain;
  if (cost > kMayRun * spread.total) return Kind::codes;
  // Both ways, over parts of it. Where codes take their least, a bit a byte, runs may lie between these parts.
  sample.clear();
  for (std::size_t i = 0; i < kParts; ++i) {
    const View part = bytes.subspan(bytes.size() / kParts * i, std::min(bytes.size() / kParts, kTried / kParts));
    sample.insert(sample.end(), part.begin(), part.end());
  }
  const std::size_t with_copies = copies.size_of(sample, buffer);
  const std::size_t with_codes = std::max(codes.size_of(sample, buffer), sample.size() / 8);
  return with_copies < with_codes ? Kind::copies : Kind::codes;
}

// A block ends at a bucket where codes of its own save more than their table takes.
void DeltaFrames::State::cut(View section, std::span<const std::uint32_t> cuts) {
  std::size_t begin = 0, end = 0;  // of the run so far
  Spread run;
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    const std::size_t next = i + 1 == cuts.size() ? section.size() : cuts[i];
    if (next - end < kFewBytes && i + 1 < cuts.size()) continue;
    const Spread bucket = spread_of(section.subspan(end, next - end));
    if (end == begin) {
      run = bucket;
    } else if (run.cost(&bucket) > run.cost() + bucket.cost() + 8 * kTableBytes * kEntropyBit) {
      end_run(section.subspan(begin, end - begin), run);
      begin = end;
      run = bucket;
    } else {
      run.add(bucket);
    }
    end = next;
  }
  if (end > begin) end_run(section.subspan(begin, end - begin), run);
}

void DeltaFrames::add(View content, std::span<const DeltaSection> sections, std::vector<std::byte>& out) {
  State& state = *state_;
  state.runs.clear();
  std::size_t at = 0;
  for (const DeltaSection& section : sections) {
    if (section.size != 0) state.cut(content.subspan(at, section.size), section.cuts);
    at += section.size;
  }
  std::span<const Run> left = state.runs;
  if (content.size() < kSmall && !left.empty()) return state.copies.add(left, out);
  while (!left.empty()) {
    std::size_t same = 1;
    while (same < left.size() && left[same].kind == left[0].kind) ++same;
    switch (left[0].kind) {
      case Kind::plain: add_plain(left.first(same), out); break;
      case Kind::codes: state.codes.add(left.first(same), out); break;
      case Kind::copies: state.copies.add(left.first(same), out); break;
    }
    left = left.subspan(same);
  }
}

}  // namespace zt::codec
