#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <span>

#include "device/ring.h"

namespace zt::device {

// Copies bytes to a device, for one thread: while one slot is being filled, the copy from the other one is under way.
// The copies of a Copier end in the order in which they began.
//
// Any call may throw io or no_memory, for an error of the driver. Then the Copier is broken: no copy is under way any
// more, those that had not landed may be incomplete, and no call except failure() and the counts may follow.
class Copier {
 public:
  explicit Copier(ContextHandle context);
  // Waits for the copies under way.
  ~Copier();
  Copier(const Copier&) = delete;
  Copier& operator=(const Copier&) = delete;

  // kSlotBytes to fill for the next send(). Waits for a slot: for one of its own copies, or for another reader.
  std::span<std::byte> buffer();
  // Begins to copy the first `bytes` of buffer().
  void send(Address to, std::size_t bytes);
  // Copies any memory. It may be used again when the call returns.
  void send_through(Address to, std::span<const std::byte> from);

  std::uint64_t sent() const { return sent_; }      // how many copies have begun
  std::uint64_t landed() const { return landed_; }  // how many have ended, as far as the last call knows
  void poll();                                      // looks which copies have ended
  // Waits for the first `count` copies.
  void land(std::uint64_t count);
  // Waits for all copies, and lets others have the slots.
  void rest();
  std::exception_ptr failure() const { return failure_; }  // what broke it; null: nothing

 private:
  template <class F>
  void guarded(F&& work);
  Slot next_slot();
  bool has_room() const { return sent_ - landed_ < std::size(lane_.events); }
  void give_back() noexcept;

  const Driver& driver_;
  Lane lane_;
  Slot slots_[2] = {};  // copy n uses number n % 2; without memory: to be taken
  std::uint64_t sent_ = 0;
  std::uint64_t landed_ = 0;
  std::exception_ptr failure_ = {};
};

}  // namespace zt::device
