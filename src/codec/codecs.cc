#include "codec/codecs.h"

#include <algorithm>

#include "codec/deflate.h"
#include "codec/planes.h"
#include "codec/zstd.h"

namespace zt::codec {
namespace {

// zstd adds at most one byte in 256. Each frame adds a header and a row of the seek table.
std::uint64_t zstd_bound(std::uint64_t decoded) { return decoded + decoded / 256 + 128 * (decoded / kFrameBytes + 1); }

constexpr std::array kRows = {
    Row{.codec = Codec::raw,
        .usual = Encoding::raw(),
        .name = "raw",
        .words = {"raw", ""},
        .bound = [](std::uint64_t decoded) { return decoded; }},
    Row{.codec = Codec::zstd,
        .usual = Encoding::zstd(),
        .name = "zstd",
        .words = {"zstd", "zt.zstd-seekable/1"},
        .most_level = 22,
        .has_frames = true,
        .ratio = kMaxRatio,
        .bound = zstd_bound,
        .part_decoder = []() -> std::unique_ptr<PartDecoder> { return std::make_unique<StreamDecoder>(); },
        .rules = {.empty = "zstd.stream.empty",
                  .shorter = "zstd.stream.short",
                  .longer = "zstd.stream.long",
                  .truncated = "zstd.stream.truncated",
                  .limit = "zstd.stream.limit"},
        .piece_decoder = [](ElementForm) -> std::unique_ptr<PieceDecoder> { return std::make_unique<FrameDecoder>(); },
        .encoder = [](ElementForm, int level) -> std::unique_ptr<PieceEncoder> {
          return std::make_unique<FrameEncoder>(level);
        }},
    Row{.codec = Codec::deflate,
        .usual = Encoding::raw(),
        .name = "deflate",
        .ratio = kMostDeflateRatio,
        .part_decoder = []() -> std::unique_ptr<PartDecoder> { return std::make_unique<InflateDecoder>(); },
        .rules = {.empty = "deflate.stream.empty",
                  .shorter = "deflate.stream.short",
                  .longer = "deflate.stream.long",
                  .truncated = "deflate.stream.truncated",
                  .limit = "deflate.stream.limit"}},
    Row{.codec = Codec::planes,
        .usual = Encoding::planes(),
        .name = "planes",
        .words = {"", "zt.planes/1"},
        .most_level = 22,
        .has_frames = true,
        .ratio = kMaxRatio,
        .worth = 33,
        .bound = zstd_bound,
        .piece_decoder = [](ElementForm form) -> std::unique_ptr<PieceDecoder> {
          return std::make_unique<PlanesDecoder>(form);
        },
        .encoder = [](ElementForm form, int level) -> std::unique_ptr<PieceEncoder> {
          return std::make_unique<PlanesEncoder>(form, level);
        }},
    Row{.codec = Codec::delta,
        .usual = Encoding::raw(),
        .name = "delta",
        .words = {"", "zt.delta/1"},
        .ratio = kMaxRatio},
};

constexpr std::size_t place_of(Codec codec) { return static_cast<std::size_t>(codec); }

constexpr bool lie_by_codec() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (place_of(kRows[i].codec) != i) return false;
  }
  return true;
}
static_assert(lie_by_codec());

}  // namespace

std::span<const Row> codecs() { return kRows; }

const Row& row_of(Codec codec) { return kRows[place_of(codec)]; }

const Row* find_word(Words words, std::string_view word) {
  if (word.empty()) return nullptr;
  const auto* const found = std::ranges::find_if(kRows, [&](const Row& row) { return row.word(words) == word; });
  return found == kRows.end() ? nullptr : found;
}

bool can_give(Codec codec, std::uint64_t stored, std::uint64_t decoded) {
  return decoded / row_of(codec).ratio <= stored;
}

PieceDecoder& PieceDecoders::of(Codec codec, ElementForm form) {
  constexpr std::size_t kForms = static_cast<std::size_t>(ElementForm::float8) + 1;
  made_.resize(kRows.size() * kForms);
  std::unique_ptr<PieceDecoder>& decoder = made_[place_of(codec) * kForms + static_cast<std::size_t>(form)];
  if (!decoder) decoder = row_of(codec).piece_decoder(form);
  return *decoder;
}

}  // namespace zt::codec
