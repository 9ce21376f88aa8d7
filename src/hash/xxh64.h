#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace zt::hash {

// The 64-bit XXH64, with seed 0: the content checksum of zstd frames is its lower half.
std::uint64_t xxh64(std::span<const std::byte> bytes) noexcept;

}  // namespace zt::hash
