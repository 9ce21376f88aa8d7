#include "codec/planes.h"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/endian.h"
#include "codec/blocks.h"
#include "codec/entropy.h"
#include "codec/split.h"
#include "codec/zstd.h"
#include "codec/zstd_context.h"
#include "hash/xxh64.h"
#include "ztensor/error.h"

namespace zt::codec {
namespace {

using Bytes = std::span<const std::byte>;

// How a plane is stored.
enum class Way : std::uint8_t {
  raw,
  repeated,  // one byte
  literals,  // Huffman codes
  zstd,
};

constexpr std::size_t kSample = 4096;  // bytes of one sample
constexpr std::size_t kSamples = 4;    // of a plane, evenly spread

// Parts of a plane that stand for all of it, one after another.
std::vector<std::byte> sample_of(Bytes plane) {
  if (plane.size() <= kSample * kSamples) return {plane.begin(), plane.end()};
  std::vector<std::byte> sample;
  sample.reserve(kSample * kSamples);
  for (std::size_t i = 0; i < kSamples; ++i) {
    const auto part = plane.subspan((plane.size() - kSample) / (kSamples - 1) * i, kSample);
    sample.insert(sample.end(), part.begin(), part.end());
  }
  return sample;
}

// A byte value that is about as frequent as one in 256.
std::byte rare_byte(const ByteCounts& counts, std::size_t size) {
  const auto distance = [&](std::uint32_t count) {
    const auto wanted = static_cast<std::uint32_t>(size / 256);
    return count == 0 ? ~std::uint32_t{0} : std::max(count, wanted) - std::min(count, wanted);
  };
  return static_cast<std::byte>(std::ranges::min_element(counts, {}, distance) - counts.begin());
}

// Whether texts come again far away, such as copied rows do. The texts that begin with `first` are looked at, so the same
// ones wherever they are. `length`: of a text, a multiple of 8.
bool has_copies(Bytes plane, std::byte first, std::size_t length) {
  constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15;
  constexpr unsigned kTable = 14;         // bits of a place
  constexpr std::uint32_t kMost = 16384;  // texts
  std::vector<std::uint32_t> seen(std::size_t{1} << kTable);
  std::uint32_t looked_at = 0, again = 0;
  while (plane.size() >= length && looked_at < kMost) {
    const auto* found = static_cast<const std::byte*>(
        std::memchr(plane.data(), std::to_integer<int>(first), plane.size() - length + 1));
    if (found == nullptr) break;
    std::uint64_t hash = 0;
    for (std::size_t k = 0; k < length; k += 8) {
      hash = (hash ^ hash >> 29 ^ endian::load_le<std::uint64_t>(found + k)) * kFactor;
    }
    const auto check = static_cast<std::uint32_t>(hash >> 8) | 1;
    std::uint32_t& place = seen[hash >> (64 - kTable)];
    ++looked_at;
    if (place == check) ++again;
    place = check;
    plane = plane.subspan(static_cast<std::size_t>(found - plane.data()) + 1);
  }
  return looked_at >= 64 && again > looked_at / 8;
}

// So long that a text hardly comes again by chance, if a byte has so many bits.
std::size_t text_length(std::uint64_t entropy) {
  constexpr std::uint64_t kBits = 48;
  const std::uint64_t bytes = kBits * kEntropyBit / std::max<std::uint64_t>(entropy, kEntropyBit / 4);
  return static_cast<std::size_t>(bytes + 7) / 8 * 8;
}

bool is_repeated(Bytes plane) { return std::memcmp(plane.data(), plane.data() + 1, plane.size() - 1) == 0; }

// One frame at a time.
class Compressor {
 public:
  explicit Compressor(int level) : context_(level) {}
  void set(ZSTD_cParameter parameter, int value) { context_.set(parameter, value); }
  // One frame, in memory that `buffer` keeps for the next one.
  Bytes compress(Bytes bytes, std::vector<std::byte>& buffer) {
    buffer.resize(std::max(buffer.size(), ZSTD_compressBound(bytes.size())));
    return Bytes(buffer).first(
        zstd_result(ZSTD_compress2(context_.get(), buffer.data(), buffer.size(), bytes.data(), bytes.size())));
  }

 private:
  ZstdContext context_;
};

}  // namespace

// --- PlanesEncoder ---

struct PlanesEncoder::State {
  State(ElementForm element_form, int level) : form(element_form), zstd(level), literals(ZSTD_minCLevel()), quick(1) {
    literals.set(ZSTD_c_experimentalParam5, 1);  // ZSTD_c_literalCompressionMode: Huffman codes at any level
  }
  // A plane and how to store it. `coded`: a frame that has its blocks, for Way::literals.
  struct Plane {
    Bytes bytes;
    Way way = Way::raw;
    Bytes coded = {};
  };
  Way way_of(Bytes plane);
  Plane plan(Bytes plane, std::vector<std::byte>& buffer);
  void add(FrameBuilder& frame, const Plane& plane);

  ElementForm form;
  Compressor zstd;
  Compressor literals;  // so far from looking for matches that it hardly finds any
  Compressor quick;     // tells whether a sample has repeats
  std::vector<std::byte> planes;
  std::vector<std::byte> buffer;
  std::array<std::vector<std::byte>, 8> coded;  // of each plane
};

PlanesEncoder::PlanesEncoder(ElementForm form, int level) : state_(std::make_unique<State>(form, level)) {}
PlanesEncoder::~PlanesEncoder() = default;

Way PlanesEncoder::State::way_of(Bytes plane) {
  constexpr std::uint64_t kNoise = kEntropyBit * 79 / 10;  // bits of a byte, above which nothing is gained
  constexpr std::size_t kFew = 64;                         // bytes of a plane that are not worth a code
  if (is_repeated(plane)) return Way::repeated;
  if (plane.size() < kFew) return Way::raw;
  const std::vector<std::byte> sample = sample_of(plane);
  const ByteCounts counts = count_bytes(sample);
  const std::uint64_t entropy = entropy_of(counts, sample);
  const std::uint64_t with_codes =
      std::max<std::uint64_t>(entropy, kEntropyBit) * sample.size() / 8 / kEntropyBit;  // in bytes
  const bool is_noise = entropy > kNoise;  // copies in it are long, and looked for below
  const std::size_t with_repeats = is_noise ? sample.size() : quick.compress(sample, buffer).size();
  if (with_repeats + with_repeats / 32 + kFew < with_codes) return Way::zstd;
  if (has_copies(plane, rare_byte(counts, sample.size()), text_length(entropy))) return Way::zstd;
  return is_noise ? Way::raw : Way::literals;
}

PlanesEncoder::State::Plane PlanesEncoder::State::plan(Bytes bytes, std::vector<std::byte>& memory) {
  Plane plane{.bytes = bytes, .way = way_of(bytes)};
  if (plane.way != Way::literals) return plane;
  plane.coded = literals.compress(bytes, memory);
  if (has_matches(plane.coded)) plane.way = Way::zstd;
  return plane;
}

void PlanesEncoder::State::add(FrameBuilder& frame, const Plane& plane) {
  switch (plane.way) {
    case Way::raw: return frame.add_raw(plane.bytes);
    case Way::repeated: return frame.add_repeated(plane.bytes.front(), plane.bytes.size());
    case Way::literals: return frame.add_blocks(plane.coded);
    case Way::zstd: return frame.add_blocks(zstd.compress(plane.bytes, buffer));
  }
}

void PlanesEncoder::encode(Bytes decoded, std::vector<std::byte>& stored) {
  State& state = *state_;
  const std::size_t width = width_of(state.form);
  if (decoded.size() > kFrameBytes || decoded.size() % width != 0) {
    throw Error(Code::internal, "", "these bytes are no piece of planes");
  }
  Bytes planes = decoded;
  if (width > 1) {
    state.planes.resize(kFrameBytes);
    split(state.form, decoded, std::span(state.planes).first(decoded.size()));
    planes = Bytes(state.planes).first(decoded.size());
  }
  FrameBuilder frame(stored, planes.size(), planes.size() + planes.size() / 256 + 64);
  const std::size_t n = planes.size() / width;
  std::array<State::Plane, 8> plans;
  // Blocks with matches go on from the repeated offsets of such blocks before. So all planes with matches are one run,
  // which libzstd compresses at once.
  std::size_t first = width, last = 0;
  for (std::size_t k = 0; n != 0 && k < width; ++k) {
    plans[k] = state.plan(planes.subspan(k * n, n), state.coded[k]);
    if (plans[k].way != Way::zstd) continue;
    first = std::min(first, k);
    last = k;
  }
  if (first < last) plans[first].bytes = planes.subspan(first * n, (last - first + 1) * n);
  for (std::size_t k = 0; n != 0 && k < width; ++k) {
    if (k <= first || k > last) state.add(frame, plans[k]);
  }
  frame.finish(hash::xxh64(planes));
}

// --- PlanesDecoder ---

struct PlanesDecoder::State {
  explicit State(ElementForm element_form) : form(element_form) {}
  ElementForm form;
  FrameDecoder frames;
  std::vector<std::byte> planes;
};

PlanesDecoder::PlanesDecoder(ElementForm form) : state_(std::make_unique<State>(form)) {}
PlanesDecoder::~PlanesDecoder() = default;

void PlanesDecoder::decode(Bytes stored, std::span<std::byte> out) {
  const std::size_t width = width_of(state_->form);
  if (out.size() % width != 0) {
    throw Error(Code::malformed, "planes.width",
                "a piece of " + std::to_string(out.size()) + " bytes is no number of elements of " +
                    std::to_string(width) + " bytes");
  }
  if (width == 1) return state_->frames.decode(stored, out);
  if (state_->planes.size() < out.size()) state_->planes.resize(out.size());
  const auto planes = std::span(state_->planes).first(out.size());
  state_->frames.decode(stored, planes);
  join(state_->form, planes, out);
}

}  // namespace zt::codec
