#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "foreign/zip/directory.h"

namespace zt::foreign::zip {

// Reads one whole file of an archive, decoded, of at most `most` bytes, and checks its CRC-32: for metadata. Throws the
// member's obstacle; malformed, mismatch "zip.member.crc", limit; io.
std::vector<std::byte> read_member(const ByteStore& store, const Member& member, std::uint64_t most);

// The digest of the decoded bytes, as a Catalog has it. "" if the archive states none: PyTorch can be told to compute no
// checksums, and then states 0.
std::string digest_of(const Member& member);

}  // namespace zt::foreign::zip
