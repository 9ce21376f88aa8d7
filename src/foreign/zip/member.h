#pragma once

#include <cstdint>
#include <vector>

#include "foreign/zip/directory.h"

namespace zt::foreign::zip {

// Reads one whole file of an archive, decoded, of at most `most` bytes, and checks its CRC-32: for metadata. Throws the
// member's obstacle; malformed, mismatch "zip.member.crc", limit; io.
std::vector<std::byte> read_member(const ByteStore& store, const Member& member, std::uint64_t most);

}  // namespace zt::foreign::zip
