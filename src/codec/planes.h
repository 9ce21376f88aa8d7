#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/element_form.h"
#include "codec/coders.h"

// zt.planes/1: each piece is one zstd frame over the byte planes of its elements (spec/planes.md).
namespace zt::codec {

// Makes frames. For each plane it chooses what is smallest: its bytes as they are, one repeated byte, the bytes with
// Huffman codes, or zstd at its level. For one thread at a time.
class PlanesEncoder final : public PieceEncoder {
 public:
  PlanesEncoder(ElementForm form, int level);
  ~PlanesEncoder() override;
  using PieceEncoder::encode;
  // One frame of at most kFrameBytes. `decoded` is a multiple of the width.
  void encode(std::span<const std::byte> decoded, std::vector<std::byte>& stored) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Decodes the frames of one piece. Throws what FrameDecoder throws, and malformed "planes.width" for a frame that ends
// inside an element.
class PlanesDecoder final : public PieceDecoder {
 public:
  explicit PlanesDecoder(ElementForm form);
  ~PlanesDecoder() override;
  void decode(std::span<const std::byte> stored, std::span<std::byte> out) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace zt::codec
