#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "hash/digest.h"
#include "hash/sha256.h"
#include "hash/xxh3.h"

namespace zt::hash {

// Computes the digest of bytes that are given in pieces, in order.
class RunningDigest {
 public:
  // `none` computes nothing. Throws unsupported for sha256 in builds without OpenSSL.
  explicit RunningDigest(Checksum algorithm);
  void update(std::span<const std::byte> bytes);
  Digest finish();  // call it once

 private:
  Checksum algorithm_;
  std::uint32_t crc_ = 0;
  std::optional<Xxh3> xxh3_;
  std::optional<Sha256> sha_;
};

}  // namespace zt::hash
