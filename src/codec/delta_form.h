#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/element_form.h"

// What a part of zt.delta/1 consists of: pieces, the header of each, and the table behind them (spec/delta.md §1, §2).
namespace zt::codec {

inline constexpr std::size_t kDeltaPieceBytes = std::size_t{1} << 20;  // decoded bytes of a piece, except the last
inline constexpr std::size_t kDeltaHeadBytes = 32;
inline constexpr std::size_t kMostStoredBytes = std::size_t{1} << 22;  // of a piece, with its header
inline constexpr unsigned kMostBucketBits = 11;                        // a piece is sorted into at most 2^11 buckets

enum class DeltaMode : std::uint8_t { same, full, delta, patch };

// The header of a piece.
struct DeltaHead {
  DeltaMode mode = DeltaMode::same;
  unsigned shift = 0;        // of the bits that are no key of an element; 0 except for DeltaMode::delta
  std::uint32_t gaps = 0;    // bytes of gaps
  std::uint64_t base = 0;    // XXH3-64 of the piece of the base; 0 for DeltaMode::full
  std::uint64_t result = 0;  // XXH3-64 of the decoded piece
  friend bool operator==(const DeltaHead&, const DeltaHead&) = default;
};

// Reads the header that `stored`, the bytes of one piece, begins with. Throws malformed "delta.header".
DeltaHead read_delta_head(std::span<const std::byte> stored, ElementForm form);
void write_delta_head(const DeltaHead& head, std::span<std::byte, kDeltaHeadBytes> to) noexcept;

// Where a piece lies.
struct DeltaPiece {
  std::uint64_t at = 0;       // first stored byte, in the part
  std::uint32_t stored = 0;   // bytes, with the header
  std::uint32_t content = 0;  // bytes that its frames decode to
};

// Number of pieces of a part of `decoded` bytes.
constexpr std::uint64_t delta_pieces(std::uint64_t decoded) noexcept {
  return decoded / kDeltaPieceBytes + (decoded % kDeltaPieceBytes != 0 ? 1 : 0);
}

// The bytes of the table at the end of a part of `stored` bytes. `footer`: the last kTableFooterBytes of the part, or
// all of a shorter part. Throws malformed "delta.table" if no part of `decoded` bytes ends like this.
std::uint64_t delta_table_bytes(std::span<const std::byte> footer, std::uint64_t stored, std::uint64_t decoded);
// The pieces of such a part, in order. `table`: as many last bytes of the part as delta_table_bytes() says. Throws
// malformed "delta.table".
std::vector<DeltaPiece> read_delta_table(std::span<const std::byte> table, std::uint64_t stored, std::uint64_t decoded);

}  // namespace zt::codec
