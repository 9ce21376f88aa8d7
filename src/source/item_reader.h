#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>

#include "device/copier.h"
#include "read/scratch.h"
#include "ztensor/memory.h"

namespace zt::source {

// What one thread reads with.
struct Hand {
  read::Scratch scratch;
  std::unique_ptr<device::Copier> copier;  // for devices alone
};

// Carries out the read of one item in steps. Errors name file, tensor and part.
class ItemReader {
 public:
  virtual ~ItemReader() = default;
  ItemReader(const ItemReader&) = delete;
  ItemReader& operator=(const ItemReader&) = delete;

  std::size_t steps() const { return steps_; }
  // Any thread may do any step, each once. A step ends early if `stopped` becomes true; then the memory is incomplete.
  // A slice on the host is one step, which may use several `threads`. What a step brings to a device has arrived when
  // the copies that `hand` has sent by then have landed.
  virtual void step(std::size_t step, Hand& hand, unsigned threads, const std::atomic<bool>& stopped) = 0;
  // Call it after the last step. Throws mismatch, malformed.
  virtual void finish() = 0;
  // The memory of the item, if the reader made it.
  virtual Memory take_memory() { return {}; }

 protected:
  ItemReader() = default;

  std::size_t steps_ = 1;
};

}  // namespace zt::source
