#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace zt::hash {

// CRC-32 (IEEE 802.3), as zip archives have it. `crc` is the value of the bytes before `bytes`; 0 if there are none.
std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t crc = 0) noexcept;

}  // namespace zt::hash
