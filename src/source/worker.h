#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <optional>

#include "source/item_reader.h"

namespace zt::source {

// What one thread of a prefetch reads with, and the steps whose copies to a device are under way. For that thread alone.
class Worker {
 public:
  // A step whose copies have ended.
  struct Ended {
    std::size_t item;
    std::size_t step;
    std::exception_ptr failure;  // null: they have landed
  };

  // For a step of an item that goes to a device: makes a copier, if there is none that works. Throws io, no_memory.
  void prepare(device::ContextHandle context);
  Hand& hand() { return hand_; }

  // Call it after a step, also after one that failed: copies may still read the memory of the item. If it returns true,
  // the step ends with its copies, and ended() gives it.
  bool remember(std::size_t item, std::size_t step);
  bool has_under_way() const { return !under_way_.empty(); }
  // Looks which copies have landed; with `wait`, waits for those of the oldest step. After an error of the driver all
  // steps under way have ended.
  void look(bool wait) noexcept;
  // The oldest step that has ended, as far as look() knows; each once.
  std::optional<Ended> ended();
  // Lets other readers have the buffers, if nothing is under way.
  void rest() noexcept;

 private:
  struct UnderWay {
    std::size_t item;
    std::size_t step;
    std::uint64_t copies;  // it has ended when the copier has landed so many
  };

  Hand hand_;
  std::deque<UnderWay> under_way_;
};

}  // namespace zt::source
