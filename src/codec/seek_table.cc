#include "codec/zstd.h"

#include <limits>

#include "base/endian.h"
#include "ztensor/error.h"

namespace zt::codec {
namespace {

constexpr std::uint32_t kTableFrameMagic = 0x184D2A5E;
constexpr std::uint32_t kTableMagic = 0x8F92EAB1;
constexpr std::size_t kTableHeadBytes = 8;

// Bytes of a table after its skippable frame header; empty when they do not fit the header's field.
std::optional<std::uint32_t> table_content(std::uint64_t frames, std::uint64_t entry) noexcept {
  const std::uint64_t length = frames * entry + kTableFooterBytes;  // frames is below 2^61: no overflow
  if (length > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(length);
}

struct TableFooter {
  std::uint32_t frames;
  std::size_t entry;      // bytes of a row
  std::uint32_t content;  // bytes after the skippable frame header
};

std::optional<TableFooter> read_footer(std::span<const std::byte> footer) noexcept {
  if (footer.size() != kTableFooterBytes) return std::nullopt;
  if (endian::load_le<std::uint32_t>(footer.data() + 5) != kTableMagic) return std::nullopt;
  const auto descriptor = std::to_integer<unsigned>(footer[4]);
  if ((descriptor & 0x7F) != 0) return std::nullopt;
  const std::size_t entry = descriptor == 0 ? 8 : 12;  // with a checksum column, which nobody reads
  const auto frames = endian::load_le<std::uint32_t>(footer.data());
  const auto content = table_content(frames, entry);
  if (!content) return std::nullopt;
  return TableFooter{frames, entry, *content};
}

}  // namespace

std::vector<std::byte> encode_seek_table(std::span<const FrameSize> frames) {
  const auto content = table_content(frames.size(), sizeof(std::uint32_t) * 2);
  if (!content) throw Error(Code::limit, "", "more zstd frames than a seek table lists");
  std::vector<std::byte> table(kTableHeadBytes + *content);
  std::byte* at = table.data();
  const auto put = [&at](std::uint32_t value) {
    endian::store_le(at, value);
    at += sizeof value;
  };
  put(kTableFrameMagic);
  put(*content);
  for (const FrameSize& frame : frames) {
    put(frame.stored);
    put(frame.decoded);
  }
  put(static_cast<std::uint32_t>(frames.size()));
  *at++ = std::byte{0};
  put(kTableMagic);
  return table;
}

std::optional<std::uint64_t> seek_table_length(std::span<const std::byte> footer) {
  const auto end = read_footer(footer);
  if (!end) return std::nullopt;
  return std::uint64_t{kTableHeadBytes} + end->content;
}

std::optional<std::vector<FrameSize>> parse_seek_table(std::span<const std::byte> table) {
  if (table.size() < kTableHeadBytes + kTableFooterBytes) return std::nullopt;
  const auto end = read_footer(table.last(kTableFooterBytes));
  if (!end || table.size() - kTableHeadBytes != end->content) return std::nullopt;
  if (endian::load_le<std::uint32_t>(table.data()) != kTableFrameMagic) return std::nullopt;
  if (endian::load_le<std::uint32_t>(table.data() + 4) != end->content) return std::nullopt;
  std::vector<FrameSize> frames(end->frames);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const std::byte* row = table.data() + kTableHeadBytes + i * end->entry;
    frames[i] = {endian::load_le<std::uint32_t>(row), endian::load_le<std::uint32_t>(row + 4)};
    if (frames[i].decoded > kMaxFrameBytes) return std::nullopt;
    if (i + 1 < frames.size() && frames[i].decoded != frames[0].decoded) return std::nullopt;
  }
  return frames;
}

}  // namespace zt::codec
