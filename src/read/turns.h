#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <span>

#include "hash/running.h"

namespace zt::read {

// A digest that must be computed in order over pieces that threads bring in any order. The thread that brings the next
// piece also takes the pieces waiting after it. Bytes must stay unchanged until their turn. If pieces are brought in
// order, this is until bring() returns.
class DigestInTurn {
 public:
  explicit DigestInTurn(Checksum algorithm) : algorithm_(algorithm) {}
  void bring(std::size_t piece, std::span<const std::byte> bytes);
  // For bytes after all pieces. For one thread.
  void append(std::span<const std::byte> bytes) { digest().update(bytes); }
  hash::Digest finish() { return digest().finish(); }

 private:
  hash::RunningDigest& digest() { return digest_ ? *digest_ : digest_.emplace(algorithm_); }

  Checksum algorithm_;
  std::optional<hash::RunningDigest> digest_;  // made for the first bytes: very many parts may wait at once
  std::mutex mutex_;                           // guards all members below, and the turn to compute the digest
  bool busy_ = false;
  std::size_t next_ = 0;
  std::map<std::size_t, std::span<const std::byte>> waiting_;
};

}  // namespace zt::read
