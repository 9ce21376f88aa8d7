#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "codec/coders.h"

// zstd frames and their seek table (spec/zt-1.2.md §6).
namespace zt::codec {

inline constexpr std::size_t kFrameBytes = std::size_t{1} << 20;          // decoded bytes of a frame that we write
inline constexpr std::uint64_t kMaxFrameBytes = std::uint64_t{16} << 20;  // of a frame that a seek table may list
inline constexpr std::uint64_t kMaxRatio = 32768;  // decoded bytes that one stored byte can give: a 4-byte RLE block
inline constexpr std::size_t kTableFooterBytes = 9;

// Makes frames; keeps its context between calls. One thread at a time.
class FrameEncoder final : public PieceEncoder {
 public:
  explicit FrameEncoder(int level);
  ~FrameEncoder() override;
  // One frame of at most kFrameBytes, with content size and content checksum. The bytes depend on level and input
  // alone.
  std::vector<std::byte> encode(std::span<const std::byte> decoded) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Decodes `stored`, one or more whole frames, skippable ones among them, into exactly `out`. Checks content checksums
// that are there. Throws malformed "zstd.*", unsupported for a frame that needs a dictionary, limit for a window
// over 2^31: it needs no memory for windows, so it has no other limit, as the real decoder of seekable parts.
class FrameDecoder final : public PieceDecoder {
 public:
  FrameDecoder();
  ~FrameDecoder() override;
  void decode(std::span<const std::byte> stored, std::span<std::byte> out) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A whole zstd stream, of any frames and skippable frames; it is whole at the end of a frame. A stream of no bytes is
// malformed. Throws malformed "zstd.*", unsupported for a frame that needs a dictionary, limit for a window over
// 2^27 + 1 bytes.
class StreamDecoder final : public PartDecoder {
 public:
  StreamDecoder();
  ~StreamDecoder() override;
  Step decode(std::span<const std::byte> stored, std::span<std::byte> out) override;
  bool at_end() const noexcept override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct FrameSize {
  std::uint32_t stored;
  std::uint32_t decoded;
  friend bool operator==(const FrameSize&, const FrameSize&) = default;
};

// The skippable frame that lists frames, as zt 1.2 and 2 have it: no checksum column.
std::vector<std::byte> encode_seek_table(std::span<const FrameSize> frames);
// Bytes of the whole seek table whose last kTableFooterBytes are `footer`; empty when that is no seek table footer.
std::optional<std::uint64_t> seek_table_length(std::span<const std::byte> footer);
// Reads a whole table. Empty when it is not one, when a frame decodes to more than kMaxFrameBytes, or when not all
// but the last decode to the same size (a frame's place follows from its number). Sums are for the caller to check.
std::optional<std::vector<FrameSize>> parse_seek_table(std::span<const std::byte> table);
// The same where a table must be there (zt.zstd-seekable/1): what is empty above is malformed "zstd.table.*".
std::uint64_t require_seek_table(std::span<const std::byte> footer);
std::vector<FrameSize> require_frames(std::span<const std::byte> table);

}  // namespace zt::codec
