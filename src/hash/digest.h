#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ztensor/digest.h"

namespace zt::hash {

// The digest that a file states for the bytes of a part.
struct Digest {
  Checksum algorithm = Checksum::none;  // none: we do not know the algorithm; such a digest is never "ok"
  std::uint32_t crc = 0;                // crc32c or crc32
  std::array<std::byte, 32> sha = {};   // sha256
  std::uint64_t xxh3 = 0;
  friend bool operator==(const Digest&, const Digest&) = default;
};

// Reads the digest text of generations 0.1 to 1.2 (spec/zt-1.2.md §7): "crc32c:0x" or "crc32c:0X", an optional "+", and
// hex digits of either case with any number of leading zeros; or "sha256:" and 64 hex digits of either case. For any
// other prefix the algorithm is `none`. Empty if the digits do not fit a known algorithm.
std::optional<Digest> parse_digest(std::string_view text);
// Reads the digest text of generation 2: "xxh3:" and 16 lowercase hex digits, or "sha256:" and 64 of them. Also reads the
// text that our decoders of archives make: "crc32:" and 8 digits. For any other prefix the algorithm is `none`. Empty if the digits do not fit a known algorithm.
std::optional<Digest> parse_decoded_digest(std::string_view text);
// The text to write: "crc32c:0x" and 8 uppercase digits; "sha256:" and 64, or "xxh3:" and 16, or "crc32:" and
// 8, lowercase digits; "" for `none`.
std::string format_digest(const Digest& digest);

}  // namespace zt::hash
