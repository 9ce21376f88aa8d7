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
inline constexpr std::uint64_t kMaxFrameBytes = std::uint64_t{16} << 20;  // decoded bytes of a frame in a seek table
inline constexpr std::uint64_t kMaxRatio = 32768;  // the most decoded bytes for one stored byte: a 4-byte RLE block
inline constexpr std::size_t kTableFooterBytes = 9;

// Makes frames. Keeps its context between calls. For one thread at a time.
class FrameEncoder final : public PieceEncoder {
 public:
  explicit FrameEncoder(int level);
  ~FrameEncoder() override;
  using PieceEncoder::encode;
  // One frame of at most kFrameBytes, with content size and content checksum. The bytes depend only on level and input.
  void encode(std::span<const std::byte> decoded, std::vector<std::byte>& stored) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Decodes `stored`, one or more whole frames, skippable frames included, into exactly `out`. Checks content checksums
// if there are any. Throws malformed "zstd.*", unsupported for a frame that needs a dictionary, limit for a window over
// 2^31. It needs no memory for windows, so it has no lower limit, like the real decoder of seekable parts.
class FrameDecoder final : public PieceDecoder {
 public:
  FrameDecoder();
  ~FrameDecoder() override;
  void decode(std::span<const std::byte> stored, std::span<std::byte> out) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Decodes a whole zstd stream of any frames and skippable frames. The stream is complete at the end of a frame; an
// empty stream is malformed. Throws malformed "zstd.*", unsupported for a frame that needs a dictionary, limit for a
// window over 2^27 + 1 bytes.
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

// The skippable frame that lists frames, in the form of zt 1.2 and 2: without checksums.
std::vector<std::byte> encode_seek_table(std::span<const FrameSize> frames);
// The bytes of the whole seek table whose last kTableFooterBytes are `footer`; empty if `footer` is not its footer.
std::optional<std::uint64_t> seek_table_length(std::span<const std::byte> footer);
// Parses a whole table. Empty if the bytes are not a table, if a frame decodes to more than kMaxFrameBytes, or if
// frames except the last have different decoded sizes (a frame's place follows from its number). The caller must check
// the sums.
std::optional<std::vector<FrameSize>> parse_seek_table(std::span<const std::byte> table);
// The same for a table that must exist (zt.zstd-seekable/1): where the functions above give nothing, throws malformed
// "zstd.table.*".
std::uint64_t require_seek_table(std::span<const std::byte> footer);
std::vector<FrameSize> require_frames(std::span<const std::byte> table);

}  // namespace zt::codec
