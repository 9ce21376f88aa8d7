#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "model/quantized.h"
#include "source/buffer.h"
#include "ztensor/dequantize.h"

namespace zt::source {

// What dequantize() is made of, for callers that bring the memory but do not know the size: nothing of that size is to
// be allocated before the parts were read, which shows that they are as long as the index says.
class Dequantization {
 public:
  // Checks the tensor's profile. Throws as dequantize() does.
  explicit Dequantization(const Tensor& tensor);
  std::uint64_t elements() const { return how_.elements(); }
  void read(std::optional<Verify> verify, const Progress& progress);
  // After read(); `out` has elements().
  void fill(std::span<float> out) const;

 private:
  struct Bytes {
    Buffer data, scales, zeros;
  };
  Tensor tensor_;
  model::Quantized how_;
  Bytes bytes_;
};

}  // namespace zt::source
