#include "hash/xxh64.h"

#define XXH_INLINE_ALL  // NOLINT(readability-identifier-naming): xxHash defines this name
#include <xxhash.h>

namespace zt::hash {

std::uint64_t xxh64(std::span<const std::byte> bytes) noexcept { return XXH64(bytes.data(), bytes.size(), 0); }

}  // namespace zt::hash
