#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "device/driver.h"

namespace zt::device {

// Pinning memory takes half a millisecond a MiB, which the first load of a process waits for. So there is little of it,
// and what is there is used again.
inline constexpr std::size_t kSlotBytes = std::size_t{2} << 20;
inline constexpr std::size_t kMostSlots = 32;

// Memory of the host, from which the device copies. If the system has no more memory to pin, a slot is not pinned. Then
// the driver takes a copy of the bytes first, which is slower.
struct Slot {
  std::byte* memory = nullptr;
  ContextHandle context = nullptr;  // in which it is pinned; null: it is not pinned
};

// A stream of a context, with an event for each copy that is under way on it.
struct Lane {
  ContextHandle context = nullptr;
  StreamHandle stream = nullptr;
  EventHandle events[2] = {};
};

// The slots and lanes of this process, which all reads to devices share. They are made when they are needed, and kept
// until release() or the end of the process. Any thread.
class Ring {
 public:
  Ring();
  static Ring& get();

  // Waits for a slot, in the order of the callers, if all are in use. Pins its memory in `context`, for all contexts.
  // Throws no_memory, io.
  Slot take(ContextHandle context);
  // The same without waiting: nothing if all slots are in use, or others wait for one.
  std::optional<Slot> try_take(ContextHandle context);
  void give(Slot slot) noexcept;
  void discard(Slot slot) noexcept;  // for a slot that nobody should use again
  // Whether a caller waits for a slot: then those who have slots give them back early.
  bool is_awaited() const noexcept;

  // Throws io, no_memory.
  Lane take_lane(ContextHandle context);
  void give_lane(const Lane& lane) noexcept;

  // Gives back to the system what nobody uses now.
  void release();

 private:
  bool has_one() const { return !free_.empty() || made_ < kMostSlots; }
  std::optional<Slot> claim();
  Slot made(std::optional<Slot> claimed, ContextHandle context);

  mutable std::mutex mutex_;
  std::condition_variable given_;
  std::vector<Slot> free_;
  std::size_t made_ = 0;  // slots that exist, or are being made
  std::uint64_t arrived_ = 0;
  std::uint64_t served_ = 0;
  std::map<ContextHandle, std::vector<Lane>> lanes_;  // those that nobody uses
};

// Ends a lane, as far as the driver still can.
void destroy(const Lane& lane) noexcept;

}  // namespace zt::device
