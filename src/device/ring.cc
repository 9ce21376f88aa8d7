#include "device/ring.h"

#include <new>
#include <string>
#include <utility>

#include "device/context.h"
#include "run/per_process.h"
#include "ztensor/error.h"

namespace zt::device {
namespace {

constexpr std::align_val_t kPage{4096};

void free_memory(const Slot& slot) noexcept {
  if (slot.context == nullptr) {
    ::operator delete(slot.memory, kPage);
    return;
  }
  try {
    const Within within(slot.context);
    static_cast<void>(Driver::get().calls().free_pinned(slot.memory));
  } catch (...) {}  // the context is gone, and its memory with it
}

}  // namespace

Ring::Ring() { free_.reserve(kMostSlots); }  // so that give() cannot fail

Ring& Ring::get() {
  // Never destroyed: at the end of the process the driver may be gone before us, and the system takes all memory back.
  static auto& each = *new run::PerProcess<Ring>;
  return each.here();
}

Slot Ring::take(ContextHandle context) {
  std::optional<Slot> claimed;
  {
    std::unique_lock lock(mutex_);
    const std::uint64_t turn = arrived_++;
    given_.wait(lock, [&] { return turn == served_ && has_one(); });
    ++served_;
    given_.notify_all();  // the next caller may have a slot, too
    claimed = claim();
  }
  return made(claimed, context);
}

std::optional<Slot> Ring::try_take(ContextHandle context) {
  std::optional<Slot> claimed;
  {
    const std::lock_guard lock(mutex_);
    if (arrived_ != served_ || !has_one()) return std::nullopt;
    claimed = claim();
  }
  return made(claimed, context);
}

// A slot that nobody uses; nothing if the caller is to make one. Call it with the lock, if has_one().
std::optional<Slot> Ring::claim() {
  if (free_.empty()) {
    ++made_;
    return std::nullopt;
  }
  const Slot slot = free_.back();
  free_.pop_back();
  return slot;
}

Slot Ring::made(std::optional<Slot> claimed, ContextHandle context) {
  if (claimed) return *claimed;
  try {
    const Driver& driver = Driver::get();
    const Within within(context);
    void* memory = nullptr;
    const Status status = driver.calls().allocate_pinned(&memory, kSlotBytes, kPortable);
    if (status == 0) return {.memory = static_cast<std::byte*>(memory), .context = context};
    if (status != kNoMemory) driver.check(status, "cuMemHostAlloc");
    memory = ::operator new(kSlotBytes, kPage, std::nothrow);
    if (memory == nullptr) throw Error(Code::no_memory, "", "no memory for " + std::to_string(kSlotBytes) + " bytes");
    return {.memory = static_cast<std::byte*>(memory), .context = nullptr};
  } catch (...) {
    discard({});
    throw;
  }
}

// A slot that is not pinned is not kept: the next one may be pinned again.
void Ring::give(Slot slot) noexcept {
  if (slot.context == nullptr) {
    discard(slot);
    return;
  }
  const std::lock_guard lock(mutex_);
  free_.push_back(slot);
  given_.notify_all();
}

void Ring::discard(Slot slot) noexcept {
  if (slot.memory != nullptr) free_memory(slot);
  const std::lock_guard lock(mutex_);
  --made_;
  given_.notify_all();
}

bool Ring::is_awaited() const noexcept {
  const std::lock_guard lock(mutex_);
  return arrived_ != served_;
}

Lane Ring::take_lane(ContextHandle context) {
  {
    const std::lock_guard lock(mutex_);
    std::vector<Lane>& unused = lanes_[context];
    if (!unused.empty()) {
      const Lane lane = unused.back();
      unused.pop_back();
      return lane;
    }
  }
  const Driver& driver = Driver::get();
  const Within within(context);
  Lane lane{.context = context};
  try {
    driver.check(driver.calls().make_stream(&lane.stream, kNonBlocking), "cuStreamCreate");
    for (EventHandle& event : lane.events) {
      driver.check(driver.calls().make_event(&event, kQuietEvent), "cuEventCreate");
    }
  } catch (...) {
    destroy(lane);
    throw;
  }
  return lane;
}

void Ring::give_lane(const Lane& lane) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    lanes_[lane.context].push_back(lane);
  } catch (...) {  // no memory for the list
    destroy(lane);
  }
}

void Ring::release() {
  std::vector<Slot> slots;
  std::map<ContextHandle, std::vector<Lane>> lanes;
  {
    const std::lock_guard lock(mutex_);
    slots = free_;
    free_.clear();
    lanes.swap(lanes_);
    made_ -= slots.size();
    given_.notify_all();
  }
  for (const Slot& slot : slots) free_memory(slot);
  for (const auto& [context, unused] : lanes) {
    for (const Lane& lane : unused) destroy(lane);
  }
}

void destroy(const Lane& lane) noexcept {
  try {
    const Calls& calls = Driver::get().calls();
    const Within within(lane.context);
    for (const EventHandle event : lane.events) {
      if (event != nullptr) static_cast<void>(calls.free_event(event));
    }
    if (lane.stream != nullptr) static_cast<void>(calls.free_stream(lane.stream));
  } catch (...) {}  // the context is gone, and all of these with it
}

}  // namespace zt::device
