#pragma once

#include <optional>
#include <string_view>

#include "ztensor/macros.h"

namespace zt {

// The digest of a part: over its stored bytes in 1.x (spec/zt-1.2.md §7), over its decoded bytes in format 2 and in zip
// archives. Formats 1.x have no xxh3, format 2 has no crc32c, and archives have crc32 and no other.
enum class Checksum { none, crc32c, sha256, xxh3, crc32 };

[[nodiscard]] ZT_API std::string_view checksum_name(Checksum checksum) noexcept;  // "none", "crc32c", ...
[[nodiscard]] ZT_API std::optional<Checksum> find_checksum(std::string_view name) noexcept;

}  // namespace zt
