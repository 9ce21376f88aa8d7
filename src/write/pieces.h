#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "read/pieces.h"

namespace zt::write {

// The decoded bytes of a new part, in pieces of read::kPieceBytes.
class Pieces {
 public:
  virtual ~Pieces() = default;
  virtual std::uint64_t length() const = 0;
  // All bytes, if memory holds them as they will be stored; else empty.
  virtual std::span<const std::byte> in_memory() const { return {}; }
  // Whether one thread must read the pieces in order. If false, any thread may read any piece.
  virtual bool ordered() const { return false; }
  virtual void read(std::size_t piece, std::span<std::byte> out, read::Scratch& scratch) = 0;
  virtual void finish() {}  // call it after the last piece
};

}  // namespace zt::write
