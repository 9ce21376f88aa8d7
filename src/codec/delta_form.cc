#include "codec/delta_form.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/endian.h"
#include "codec/zstd.h"
#include "ztensor/error.h"

namespace zt::codec {
namespace {

constexpr std::uint32_t kHeadMagic = 0x184D2A50;  // of a skippable frame
constexpr std::uint32_t kDeltaTableFrame = 0x184D2A5E;
constexpr std::size_t kFrameHead = 8;
constexpr std::size_t kRowBytes = 8;
constexpr std::uint32_t kDeltaTableMagic = 0x8F92EAB1;

[[noreturn]] void refuse_head(const std::string& why) {
  throw Error(Code::malformed, "delta.header", "the header of a piece of a delta " + why);
}

[[noreturn]] void refuse_table(const std::string& why) {
  throw Error(Code::malformed, "delta.table", "the table of a delta " + why);
}

}  // namespace

DeltaHead read_delta_head(std::span<const std::byte> stored, ElementForm form) {
  if (stored.size() < kDeltaHeadBytes) {
    refuse_head("takes 32 bytes, but the piece has " + std::to_string(stored.size()));
  }
  if (endian::load_le<std::uint32_t>(stored.data()) != kHeadMagic ||
      endian::load_le<std::uint32_t>(stored.data() + 4) != kDeltaHeadBytes - kFrameHead) {
    refuse_head("must be a skippable frame of 32 bytes");
  }
  const auto mode = std::to_integer<unsigned>(stored[8]);
  if (mode > static_cast<unsigned>(DeltaMode::patch)) refuse_head("has an unknown mode: " + std::to_string(mode));
  DeltaHead head{.mode = static_cast<DeltaMode>(mode),
                 .shift = std::to_integer<unsigned>(stored[9]),
                 .gaps = endian::load_le<std::uint32_t>(stored.data() + 12),
                 .base = endian::load_le<std::uint64_t>(stored.data() + 16),
                 .result = endian::load_le<std::uint64_t>(stored.data() + 24)};
  const bool is_list = head.mode == DeltaMode::delta || head.mode == DeltaMode::patch;
  if (endian::load_le<std::uint16_t>(stored.data() + 10) != 0 || (!is_list && head.gaps != 0) ||
      (head.mode != DeltaMode::delta && head.shift != 0) || (head.mode == DeltaMode::full && head.base != 0)) {
    refuse_head("must have zeros where its mode has no use for a field");
  }
  const unsigned bits = 8 * width_of(form) - 1;  // all except the sign
  if (head.mode == DeltaMode::delta && (head.shift > bits || bits - head.shift > kMostBucketBits)) {
    refuse_head("must have a shift that gives 1 to 2048 buckets, but has " + std::to_string(head.shift));
  }
  return head;
}

void write_delta_head(const DeltaHead& head, std::span<std::byte, kDeltaHeadBytes> to) noexcept {
  std::ranges::fill(to, std::byte{0});
  endian::store_le(to.data(), kHeadMagic);
  endian::store_le(to.data() + 4, static_cast<std::uint32_t>(kDeltaHeadBytes - kFrameHead));
  to[8] = static_cast<std::byte>(head.mode);
  to[9] = static_cast<std::byte>(head.shift);
  endian::store_le(to.data() + 12, head.gaps);
  endian::store_le(to.data() + 16, head.base);
  endian::store_le(to.data() + 24, head.result);
}

std::uint64_t delta_table_bytes(std::span<const std::byte> footer, std::uint64_t stored, std::uint64_t decoded) {
  if (footer.size() < kTableFooterBytes || footer[4] != std::byte{0} ||
      endian::load_le<std::uint32_t>(footer.data() + 5) != kDeltaTableMagic) {
    refuse_table("must end with the footer of a seek table without checksums");
  }
  const std::uint64_t rows = endian::load_le<std::uint32_t>(footer.data());
  if (rows != delta_pieces(decoded)) {
    refuse_table("must have " + std::to_string(delta_pieces(decoded)) + " rows, but has " + std::to_string(rows));
  }
  const std::uint64_t bytes = kFrameHead + rows * kRowBytes + kTableFooterBytes;
  if (bytes > stored) refuse_table("is longer than the stored bytes");
  return bytes;
}

std::vector<DeltaPiece> read_delta_table(std::span<const std::byte> table, std::uint64_t stored,
                                         std::uint64_t decoded) {
  const auto footer = table.last(std::min(table.size(), kTableFooterBytes));
  if (delta_table_bytes(footer, stored, decoded) != table.size()) refuse_table("has another length than its rows take");
  if (endian::load_le<std::uint32_t>(table.data()) != kDeltaTableFrame ||
      endian::load_le<std::uint32_t>(table.data() + 4) != table.size() - kFrameHead) {
    refuse_table("must be a skippable frame of its length");
  }
  std::vector<DeltaPiece> pieces(static_cast<std::size_t>(delta_pieces(decoded)));
  std::uint64_t at = 0;  // below 2^64: fewer than 2^32 rows of less than 2^32 bytes
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::byte* const row = table.data() + kFrameHead + i * kRowBytes;
    pieces[i] = {at, endian::load_le<std::uint32_t>(row), endian::load_le<std::uint32_t>(row + 4)};
    if (pieces[i].stored > kMostStoredBytes) {
      refuse_table("has a piece of " + std::to_string(pieces[i].stored) + " stored bytes: none takes over 2^22");
    }
    at += pieces[i].stored;
  }
  if (at != stored - table.size()) refuse_table("has rows that do not sum up to the stored bytes before the table");
  return pieces;
}

}  // namespace zt::codec
