#pragma once

#include <cstddef>
#include <span>
#include <vector>

// The interfaces of codecs: bytes in, bytes out.
namespace zt::codec {

// Makes the stored bytes of one piece of a part, of at most kFrameBytes. The stored bytes of a part are those of its
// pieces, in order. Keeps its memory between calls. For one thread at a time.
class PieceEncoder {
 public:
  PieceEncoder() = default;
  virtual ~PieceEncoder() = default;
  PieceEncoder(const PieceEncoder&) = delete;
  PieceEncoder& operator=(const PieceEncoder&) = delete;
  // `stored`: gets the stored bytes; its memory is used again. They depend only on the input, and on the level and the
  // elements of the encoder.
  virtual void encode(std::span<const std::byte> decoded, std::vector<std::byte>& stored) = 0;
  std::vector<std::byte> encode(std::span<const std::byte> decoded) {
    std::vector<std::byte> stored;
    encode(decoded, stored);
    return stored;
  }
};

// Decodes pieces independently. Keeps its memory between calls. For one thread at a time.
class PieceDecoder {
 public:
  PieceDecoder() = default;
  virtual ~PieceDecoder() = default;
  PieceDecoder(const PieceDecoder&) = delete;
  PieceDecoder& operator=(const PieceDecoder&) = delete;
  // Decodes all of `stored` into exactly `out`. Throws malformed, unsupported, limit.
  virtual void decode(std::span<const std::byte> stored, std::span<std::byte> out) = 0;
};

// Decodes the stored bytes of a part from first to last, in pieces of any length.
class PartDecoder {
 public:
  PartDecoder() = default;
  virtual ~PartDecoder() = default;
  PartDecoder(const PartDecoder&) = delete;
  PartDecoder& operator=(const PartDecoder&) = delete;
  // Decodes the front of `stored` into the front of `out` until one of them is used up. Returns the bytes used and
  // made. Call it again with the rest. Call it with an empty `stored` while it has filled `out`. With an empty `out` it
  // takes input that makes no bytes, such as the end of a frame. Throws malformed, unsupported, limit; after this it is
  // unusable.
  struct Step {
    std::size_t used;
    std::size_t made;
  };
  virtual Step decode(std::span<const std::byte> stored, std::span<std::byte> out) = 0;
  // Whether the input so far is complete. If the part ends here and this is false, the part is truncated.
  virtual bool at_end() const noexcept = 0;
};

}  // namespace zt::codec
