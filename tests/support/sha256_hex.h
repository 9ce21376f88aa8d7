#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "hash/digest.h"
#include "hash/sha256.h"

namespace zt::test {

inline std::string sha256_hex(std::span<const std::byte> bytes) {
  hash::Sha256 sha;
  sha.update(bytes);
  const hash::Digest digest{.algorithm = Checksum::sha256, .sha = sha.finish()};
  return hash::format_digest(digest).substr(7);
}

}  // namespace zt::test
