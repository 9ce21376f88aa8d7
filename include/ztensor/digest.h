#pragma once

#include <optional>
#include <string_view>

#include "ztensor/macros.h"

namespace zt {

// How a part is protected: over its stored bytes in 1.x (spec/zt-1.2.md §7), over its decoded bytes in generation 2.
// Generation 1.x has no xxh3, generation 2 no crc32c.
enum class Checksum { none, crc32c, sha256, xxh3 };

ZT_API std::string_view checksum_name(Checksum checksum) noexcept;  // "none", "crc32c", "sha256", "xxh3"
ZT_API std::optional<Checksum> find_checksum(std::string_view name) noexcept;

}  // namespace zt
