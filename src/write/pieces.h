#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "read/pieces.h"

namespace zt::write {

// The decoded bytes of a new part, made in pieces of read::kPieceBytes.
class Pieces {
 public:
  virtual ~Pieces() = default;
  virtual std::uint64_t length() const = 0;
  // All bytes at once when they lie in memory as they are to be stored; else empty.
  virtual std::span<const std::byte> in_memory() const { return {}; }
  // Pieces are asked for in order, by one thread; else by any.
  virtual bool ordered() const { return false; }
  virtual void read(std::size_t piece, std::span<std::byte> out, read::Scratch& scratch) = 0;
  virtual void finish() {}  // after the last piece
};

}  // namespace zt::write
