#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "codec/codecs.h"

namespace zt::read {

// Memory that pieces are decoded with, one for each thread at work; leased from a Scratches.
struct Scratch {
  codec::PieceDecoders decoders;
  std::vector<std::byte> stored;
  std::vector<std::byte> decoded;  // the caller's
  std::vector<std::byte> window;   // of a blob whose elements lie apart
};

class Scratches {
 public:
  std::unique_ptr<Scratch> take();
  void give(std::unique_ptr<Scratch> scratch);

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Scratch>> free_;
};

}  // namespace zt::read
