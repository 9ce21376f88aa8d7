#pragma once

#include <optional>
#include <string_view>

#include "ztensor/macros.h"

namespace zt {

// How the stored bytes of a part are protected (spec/zt-1.2.md §7).
enum class Checksum { none, crc32c, sha256 };

ZT_API std::string_view checksum_name(Checksum checksum) noexcept;  // "none", "crc32c", "sha256"
ZT_API std::optional<Checksum> find_checksum(std::string_view name) noexcept;

}  // namespace zt
