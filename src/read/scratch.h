#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "codec/codecs.h"

namespace zt::read {

// Memory for decoding pieces, one for each working thread. Scratches lends it.
struct Scratch {
  codec::PieceDecoders decoders;
  std::vector<std::byte> stored;
  std::vector<std::byte> decoded;  // for the caller
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
