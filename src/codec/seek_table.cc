#include "codec/zstd.h"

#include <limits>
#include <string>
#include <string_view>

#include "base/endian.h"
#include "ztensor/error.h"

namespace zt::codec {
namespace {

constexpr std::uint32_t kTableFrameMagic = 0x184D2A5E;
constexpr std::uint32_t kTableMagic = 0x8F92EAB1;
constexpr std::size_t kTableHeadBytes = 8;

// The bytes of a table after its skippable frame header; empty if their number does not fit the header's field.
std::optional<std::uint32_t> table_content(std::uint64_t frames, std::uint64_t entry) noexcept {
  const std::uint64_t length = frames * entry + kTableFooterBytes;  // frames is below 2^61: no overflow
  if (length > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(length);
}

struct TableFooter {
  std::uint32_t frames = 0;
  std::size_t entry = 0;      // bytes of a row
  std::uint32_t content = 0;  // bytes after the skippable frame header
};

// Why bytes are not a seek table: the broken rule, and the expectation for a message. No rule: they are a seek table.
struct Verdict {
  const char* rule = nullptr;
  std::string_view expected = {};
};

Verdict read_footer(std::span<const std::byte> footer, TableFooter& out) noexcept {
  if (footer.size() != kTableFooterBytes) return {"zstd.table.short", "at least 17 bytes"};
  if (endian::load_le<std::uint32_t>(footer.data() + 5) != kTableMagic)
    return {"zstd.table.magic", "the magic of seek tables at the end"};
  const auto descriptor = std::to_integer<unsigned>(footer[4]);
  if ((descriptor & 0x7F) != 0) return {"zstd.table.descriptor", "a descriptor of 0 or 0x80"};
  out.entry = descriptor == 0 ? 8 : 12;  // 12 with a column of checksums, which is ignored
  out.frames = endian::load_le<std::uint32_t>(footer.data());
  const auto content = table_content(out.frames, out.entry);
  if (!content) return {"zstd.table.bounds", "a table of less than 4 GiB"};
  out.content = *content;
  return {};
}

Verdict read_table(std::span<const std::byte> table, std::vector<FrameSize>& frames) {
  if (table.size() < kTableHeadBytes + kTableFooterBytes) return {"zstd.table.short", "at least 17 bytes"};
  TableFooter end;
  if (const Verdict verdict = read_footer(table.last(kTableFooterBytes), end); verdict.rule != nullptr) return verdict;
  if (table.size() - kTableHeadBytes != end.content) return {"zstd.table.bounds", "as many rows as the footer counts"};
  if (endian::load_le<std::uint32_t>(table.data()) != kTableFrameMagic ||
      endian::load_le<std::uint32_t>(table.data() + 4) != end.content) {
    return {"zstd.table.header", "a skippable frame of the table's length"};
  }
  frames.resize(end.frames);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const std::byte* row = table.data() + kTableHeadBytes + i * end.entry;
    frames[i] = {endian::load_le<std::uint32_t>(row), endian::load_le<std::uint32_t>(row + 4)};
    if (frames[i].decoded > kMaxFrameBytes) return {"zstd.table.frame", "frames of at most 16 MiB"};
    if (i + 1 < frames.size() && frames[i].decoded != frames[0].decoded) {
      return {"zstd.table.uneven", "frames of one size, except the last"};
    }
  }
  return {};
}

void throw_unless_good(const Verdict& verdict) {
  if (verdict.rule == nullptr) return;
  throw Error(Code::malformed, verdict.rule, "zstd seek table: expected " + std::string(verdict.expected));
}

}  // namespace

std::vector<std::byte> encode_seek_table(std::span<const FrameSize> frames) {
  const auto content = table_content(frames.size(), sizeof(std::uint32_t) * 2);
  if (!content) throw Error(Code::limit, "", "the part has more zstd frames than a seek table can list: store it raw");
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
  TableFooter end;
  if (read_footer(footer, end).rule != nullptr) return std::nullopt;
  return std::uint64_t{kTableHeadBytes} + end.content;
}

std::optional<std::vector<FrameSize>> parse_seek_table(std::span<const std::byte> table) {
  std::vector<FrameSize> frames;
  if (read_table(table, frames).rule != nullptr) return std::nullopt;
  return frames;
}

std::uint64_t require_seek_table(std::span<const std::byte> footer) {
  TableFooter end;
  throw_unless_good(read_footer(footer, end));
  return std::uint64_t{kTableHeadBytes} + end.content;
}

std::vector<FrameSize> require_frames(std::span<const std::byte> table) {
  std::vector<FrameSize> frames;
  throw_unless_good(read_table(table, frames));
  return frames;
}

}  // namespace zt::codec
