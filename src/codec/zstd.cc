#include "codec/zstd.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/endian.h"
#include "ztensor/error.h"

namespace zt::codec {
namespace {

constexpr std::uint32_t kFrameMagic = 0xFD2FB528;
constexpr std::uint32_t kSkippableMagic = 0x184D2A50;  // the last four bits may have any value
constexpr std::size_t kSkippableHeadBytes = 8;
constexpr std::size_t kMostHeadBytes = 18;
constexpr std::uint64_t kMostWindow = (std::uint64_t{1} << 27) + 1;  // the default limit of libzstd

[[noreturn]] void refuse(const char* rule, std::string message) {
  throw Error(Code::malformed, rule, std::move(message));
}

// Throws a libzstd error as the code that it means for the owner of the file.
[[noreturn]] void fail(std::size_t result) {
  const std::string text = std::string("zstd: ") + ZSTD_getErrorName(result);
  switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_memory_allocation: throw Error(Code::no_memory, "", text);
    case ZSTD_error_frameParameter_windowTooLarge: throw Error(Code::limit, "zstd.window", text);
    case ZSTD_error_checksum_wrong: refuse("zstd.frame.checksum", text);
    case ZSTD_error_srcSize_wrong: refuse("zstd.truncated", text);
    case ZSTD_error_dstSize_tooSmall:
    case ZSTD_error_dstBuffer_null: refuse("zstd.frame.size", text);
    default: refuse("zstd.frame.corrupt", text);
  }
}

std::size_t checked_result(std::size_t result) {
  if (ZSTD_isError(result) != 0) fail(result);
  return result;
}

// --- frame headers (RFC 8878 §3.1) ---
//
// We read headers ourselves, and pass libzstd only frames whose header we accepted. Otherwise the build of libzstd
// would decide whether formats from before 1.0 are accepted, and the cut of the input whether the window is checked.

struct FrameHead {
  std::size_t bytes = 0;  // of the header
  bool skippable = false;
  std::uint64_t skip = 0;  // bytes after the header of a skippable frame
  std::uint64_t window = 0;
  std::optional<std::uint64_t> content;  // decoded bytes, if the header states them
};

// The header bytes that must be there before more of a frame beginning with `head` is known. The result equals the
// whole header once the header is complete. Throws if no frame begins like this. zt-1.2 §6
std::size_t head_bytes(std::span<const std::byte> head) {
  constexpr std::array<std::size_t, 4> kDictionaryBytes = {0, 1, 2, 4};
  constexpr std::array<std::size_t, 4> kContentSizeBytes = {0, 2, 4, 8};
  if (head.size() < 4) return 4;
  const auto magic = endian::load_le<std::uint32_t>(head.data());
  if ((magic & 0xFFFFFFF0) == kSkippableMagic) return kSkippableHeadBytes;
  if (magic != kFrameMagic) refuse("zstd.frame.magic", "zstd: the bytes do not begin a frame");
  if (head.size() < 5) return 5;
  const auto descriptor = std::to_integer<unsigned>(head[4]);
  if ((descriptor & 8) != 0) refuse("zstd.frame.header", "zstd: the reserved bit of a frame header is set");
  const bool single_segment = (descriptor & 32) != 0;
  const std::size_t content_size = kContentSizeBytes[descriptor >> 6];
  // A single segment has no window byte, but at least one byte of content size.
  return 5 + kDictionaryBytes[descriptor & 3] + (single_segment && content_size == 0 ? 1 : content_size) +
         (single_segment ? 0 : 1);
}

std::uint64_t little_endian(std::span<const std::byte> bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  return value;
}

std::uint64_t window_of(unsigned byte) noexcept {
  const std::uint64_t base = std::uint64_t{1} << (10 + (byte >> 3));
  return base + base / 8 * (byte & 7);
}

// `head` is a complete header. zt-1.2 §6
FrameHead read_head(std::span<const std::byte> head) {
  FrameHead frame;
  frame.bytes = head.size();
  if (endian::load_le<std::uint32_t>(head.data()) != kFrameMagic) {
    frame.skippable = true;
    frame.skip = endian::load_le<std::uint32_t>(head.data() + 4);
    return frame;
  }
  const auto descriptor = std::to_integer<unsigned>(head[4]);
  const bool single_segment = (descriptor & 32) != 0;
  const std::size_t dictionary_at = single_segment ? 5 : 6;
  const std::size_t dictionary_bytes = (descriptor & 3) == 3 ? 4 : descriptor & 3;
  if (little_endian(head.subspan(dictionary_at, dictionary_bytes)) != 0) {
    throw Error(Code::unsupported, "zstd.dictionary",
                "zstd: a frame needs a dictionary, and dictionaries are not supported");
  }
  const auto content = head.subspan(dictionary_at + dictionary_bytes);
  if (!content.empty()) frame.content = little_endian(content) + (content.size() == 2 ? 256 : 0);
  frame.window = single_segment ? *frame.content : window_of(std::to_integer<unsigned>(head[5]));
  return frame;
}

struct FreeCompressor {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
};
struct FreeDecompressor {
  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

template <class Pointer>
Pointer checked_context(Pointer context) {
  if (!context) throw Error(Code::no_memory, "", "no memory for a zstd context");
  return context;
}

}  // namespace

// --- FrameEncoder ---

struct FrameEncoder::State {
  std::unique_ptr<ZSTD_CCtx, FreeCompressor> context{ZSTD_createCCtx()};
  std::unique_ptr<std::byte[]> room;  // for a frame of any content; null until the first one
};

FrameEncoder::FrameEncoder(int level) : state_(std::make_unique<State>()) {
  ZSTD_CCtx* context = checked_context(state_->context.get());
  checked_result(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level));
  checked_result(ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 1));
  checked_result(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1));
}

FrameEncoder::~FrameEncoder() = default;

void FrameEncoder::encode(std::span<const std::byte> decoded, std::vector<std::byte>& stored) {
  constexpr std::size_t kRoom = ZSTD_COMPRESSBOUND(kFrameBytes);
  if (decoded.size() > kFrameBytes) throw Error(Code::internal, "", "too many bytes for one zstd frame");
  if (!state_->room) state_->room.reset(new std::byte[kRoom]);  // not initialized: a vector would be, each time
  std::byte* const room = state_->room.get();
  // One call lets libzstd know the size, so that the window is not larger than needed.
  const std::size_t size =
      checked_result(ZSTD_compress2(state_->context.get(), room, kRoom, decoded.data(), decoded.size()));
  stored.assign(room, room + size);
}

// --- FrameDecoder ---

struct FrameDecoder::State {
  std::unique_ptr<ZSTD_DCtx, FreeDecompressor> context{ZSTD_createDCtx()};
};

FrameDecoder::FrameDecoder() : state_(std::make_unique<State>()) { checked_context(state_->context.get()); }
FrameDecoder::~FrameDecoder() = default;

namespace {

// The header at the start of `stored`, which must hold the complete header. zt-1.2 §6
FrameHead first_head(std::span<const std::byte> stored) {
  std::size_t have = 0;
  for (std::size_t need = 4; need != have; need = head_bytes(stored.first(have))) {
    if (need > stored.size()) refuse("zstd.truncated", "zstd: the bytes end inside a frame header");
    have = need;
  }
  return read_head(stored.first(have));
}

}  // namespace

// zt-1.2 §6
void FrameDecoder::decode(std::span<const std::byte> stored, std::span<std::byte> out) {
  const std::size_t want = out.size();
  std::byte none{};  // libzstd refuses an empty output at a null address
  do {
    const FrameHead head = first_head(stored);
    const std::uint64_t skipped = head.bytes + head.skip;
    if (head.skippable) {
      if (skipped > stored.size()) refuse("zstd.truncated", "zstd: the bytes end inside a skippable frame");
      stored = stored.subspan(static_cast<std::size_t>(skipped));
      continue;
    }
    const std::size_t used = checked_result(ZSTD_findFrameCompressedSize(stored.data(), stored.size()));
    out = out.subspan(checked_result(
        ZSTD_decompressDCtx(state_->context.get(), out.empty() ? &none : out.data(), out.size(), stored.data(), used)));
    stored = stored.subspan(used);
  } while (!stored.empty());
  if (!out.empty()) {
    refuse("zstd.frame.size", "zstd: frames decode to " + std::to_string(want - out.size()) +
                                  " bytes, but the file says " + std::to_string(want));
  }
}

// --- StreamDecoder ---

struct StreamDecoder::State {
  enum class Phase : std::uint8_t { head, skip, frame };

  std::unique_ptr<ZSTD_DCtx, FreeDecompressor> context{ZSTD_createDCtx()};
  Phase phase = Phase::head;
  std::array<std::byte, kMostHeadBytes> head = {};
  std::size_t head_have = 0;
  std::uint64_t skip_left = 0;
  std::optional<std::uint64_t> content;  // the decoded bytes that the frame states
  std::uint64_t made = 0;                // the decoded bytes so far
  bool may_hold = false;                 // libzstd filled the last output, and may have more
  bool stuck = false;                    // libzstd takes no input before it has room for output
  bool any = false;                      // a frame has ended

  std::size_t read_head(std::span<const std::byte> stored);
  std::size_t skip(std::span<const std::byte> stored);
  Step frame(std::span<const std::byte> stored, std::span<std::byte> out);
  void start_frame();
  void end_frame() noexcept;
};

StreamDecoder::StreamDecoder() : state_(std::make_unique<State>()) { checked_context(state_->context.get()); }
StreamDecoder::~StreamDecoder() = default;

bool StreamDecoder::at_end() const noexcept {
  return state_->any && state_->phase == State::Phase::head && state_->head_have == 0;
}

void StreamDecoder::State::end_frame() noexcept {
  phase = Phase::head;
  head_have = 0;
  may_hold = stuck = false;
  any = true;
}

// Takes header bytes until the header is complete, then starts the frame.
std::size_t StreamDecoder::State::read_head(std::span<const std::byte> stored) {
  std::size_t used = 0;
  for (;;) {
    const std::size_t need = head_bytes(std::span(head).first(head_have));
    if (need == head_have) break;
    const std::size_t piece = std::min(need - head_have, stored.size() - used);
    if (piece == 0) return used;
    std::copy_n(stored.begin() + static_cast<std::ptrdiff_t>(used), piece,
                head.begin() + static_cast<std::ptrdiff_t>(head_have));
    used += piece;
    head_have += piece;
  }
  start_frame();
  return used;
}

// zt-1.2 §6
void StreamDecoder::State::start_frame() {
  const FrameHead frame = codec::read_head(std::span(head).first(head_have));
  if (frame.skippable) {
    phase = Phase::skip;
    skip_left = frame.skip;
    if (skip_left == 0) end_frame();
    return;
  }
  if (frame.window > kMostWindow) {
    throw Error(Code::limit, "zstd.window",
                "zstd: a frame needs a window of " + std::to_string(frame.window) + " bytes: the limit is 2^27 + 1");
  }
  // Pass only the header to libzstd: with whole frames it would take a fast path that skips checks.
  ZSTD_inBuffer in = {head.data(), head_have, 0};
  std::byte none{};
  ZSTD_outBuffer out = {&none, 0, 0};
  checked_result(ZSTD_decompressStream(context.get(), &out, &in));
  if (in.pos != in.size) throw Error(Code::internal, "", "zstd: libzstd left bytes of a frame header");
  phase = Phase::frame;
  content = frame.content;
  made = 0;
}

std::size_t StreamDecoder::State::skip(std::span<const std::byte> stored) {
  const std::size_t used = static_cast<std::size_t>(std::min<std::uint64_t>(skip_left, stored.size()));
  skip_left -= used;
  if (skip_left == 0) end_frame();
  return used;
}

// zt-1.2 §6
StreamDecoder::Step StreamDecoder::State::frame(std::span<const std::byte> stored, std::span<std::byte> out) {
  // libzstd reports repeated calls without progress as an error.
  if (stored.empty() && (out.empty() || !may_hold)) return {0, 0};
  if (out.empty() && stuck) return {0, 0};
  std::byte none{};
  ZSTD_inBuffer in = {stored.empty() ? &none : stored.data(), stored.size(), 0};
  ZSTD_outBuffer room = {out.empty() ? &none : out.data(), out.size(), 0};
  const std::size_t result = checked_result(ZSTD_decompressStream(context.get(), &room, &in));
  may_hold = room.pos == room.size;
  stuck = out.empty() && in.pos == 0;
  made += room.pos;
  if (result == 0) {
    // libzstd 1.5.4 does not check this if the last block is empty.
    if (content && *content != made)
      refuse("zstd.frame.corrupt", "zstd: a frame decodes to another size than its header states");
    end_frame();
  }
  return {in.pos, room.pos};
}

StreamDecoder::Step StreamDecoder::decode(std::span<const std::byte> stored, std::span<std::byte> out) {
  Step sum = {0, 0};
  for (;;) {
    Step step = {0, 0};
    const State::Phase phase = state_->phase;
    const auto rest = stored.subspan(sum.used);
    switch (phase) {
      case State::Phase::head: step.used = state_->read_head(rest); break;
      case State::Phase::skip: step.used = state_->skip(rest); break;
      case State::Phase::frame: step = state_->frame(rest, out.subspan(sum.made)); break;
    }
    sum.used += step.used;
    sum.made += step.made;
    if (step.used == 0 && step.made == 0 && state_->phase == phase) return sum;
  }
}

}  // namespace zt::codec
