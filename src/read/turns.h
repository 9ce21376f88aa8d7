#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <span>

#include "hash/running.h"

namespace zt::read {

// A digest that has to be taken in order of pieces that any threads bring in any order: whoever brings the next one
// takes those that wait behind it too. What was brought must stay as it is until its turn; where pieces are brought in
// order, that is until bring() returns.
class DigestInTurn {
 public:
  explicit DigestInTurn(Checksum algorithm) : algorithm_(algorithm) {}
  void bring(std::size_t piece, std::span<const std::byte> bytes);
  // After all that was brought; one thread.
  void append(std::span<const std::byte> bytes) { digest().update(bytes); }
  hash::Digest finish() { return digest().finish(); }

 private:
  hash::RunningDigest& digest() { return digest_ ? *digest_ : digest_.emplace(algorithm_); }

  Checksum algorithm_;
  std::optional<hash::RunningDigest> digest_;  // once it has bytes: very many parts wait at a time
  std::mutex mutex_;                           // over the rest, and who may take the digest
  bool busy_ = false;
  std::size_t next_ = 0;
  std::map<std::size_t, std::span<const std::byte>> waiting_;
};

}  // namespace zt::read
