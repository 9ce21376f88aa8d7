#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ztensor/digest.h"

namespace zt::hash {

// What a file says the bytes of a part hash to.
struct Digest {
  Checksum algorithm = Checksum::none;  // none: of an algorithm that we do not know, never "ok"
  std::uint32_t crc = 0;                // crc32c
  std::array<std::byte, 32> sha = {};   // sha256
  std::uint64_t xxh3 = 0;
  friend bool operator==(const Digest&, const Digest&) = default;
};

// Reads the digest text of generations 0.1 to 1.2 (spec/zt-1.2.md §7): "crc32c:0x" or "crc32c:0X" and hex digits of
// either case, any number of leading zeros, an optional "+"; "sha256:" and 64 hex digits of either case. Any other
// prefix is an algorithm we do not know (`none`). Empty when a known algorithm is followed by what is not its form.
std::optional<Digest> parse_digest(std::string_view text);
// Reads the digest text of generation 2: "xxh3:" and 16 lowercase hex digits, "sha256:" and 64 of them. Any other
// prefix is an algorithm we do not know (`none`). Empty when a known algorithm is followed by what is not its form.
std::optional<Digest> parse_decoded_digest(std::string_view text);
// As it is written: "crc32c:0x" and 8 uppercase digits, "sha256:" and 64, "xxh3:" and 16 lowercase digits; "" for none.
std::string format_digest(const Digest& digest);

}  // namespace zt::hash
