#pragma once

#include <cstddef>
#include <span>
#include <vector>

// What every codec can do: bytes in, bytes out.
namespace zt::codec {

// Makes the stored bytes of one piece of a part: of kFrameBytes at most. The stored bytes of a part are those of its
// pieces, one behind the other. Keeps its memory between calls. One thread at a time.
class PieceEncoder {
 public:
  PieceEncoder() = default;
  virtual ~PieceEncoder() = default;
  PieceEncoder(const PieceEncoder&) = delete;
  PieceEncoder& operator=(const PieceEncoder&) = delete;
  // The result depends on the input, and on the level that the encoder was made with, alone.
  virtual std::vector<std::byte> encode(std::span<const std::byte> decoded) = 0;
};

// Decodes pieces, each by itself. Keeps its memory between calls. One thread at a time.
class PieceDecoder {
 public:
  PieceDecoder() = default;
  virtual ~PieceDecoder() = default;
  PieceDecoder(const PieceDecoder&) = delete;
  PieceDecoder& operator=(const PieceDecoder&) = delete;
  // Decodes all of `stored` into exactly `out`. Throws malformed, unsupported, limit.
  virtual void decode(std::span<const std::byte> stored, std::span<std::byte> out) = 0;
};

// Decodes the stored bytes of a part from the first to the last, given in pieces of any length.
class PartDecoder {
 public:
  PartDecoder() = default;
  virtual ~PartDecoder() = default;
  PartDecoder(const PartDecoder&) = delete;
  PartDecoder& operator=(const PartDecoder&) = delete;
  // Decodes from the front of `stored` into the front of `out` until one of them is used up; returns bytes used and
  // made. Call again with what is left, with an empty `stored` too as long as `out` was filled; with an empty `out`
  // it takes what makes no bytes, such as the end of a frame. Throws malformed, unsupported, limit. Once it has thrown,
  // it is of no more use.
  struct Step {
    std::size_t used;
    std::size_t made;
  };
  virtual Step decode(std::span<const std::byte> stored, std::span<std::byte> out) = 0;
  // Whether the input so far is whole. A part that ends elsewhere is truncated.
  virtual bool at_end() const noexcept = 0;
};

}  // namespace zt::codec
