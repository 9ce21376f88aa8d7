#include "device/copier.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "device/context.h"

namespace zt::device {

Copier::Copier(ContextHandle context) : driver_(Driver::get()), lane_(Ring::get().take_lane(context)) {}

Copier::~Copier() {
  try {
    if (!failure_) rest();
  } catch (...) {}  // it is broken now
  if (failure_) {
    destroy(lane_);
  } else {
    Ring::get().give_lane(lane_);
  }
}

// Runs `work` in the context. If it throws, waits until the device is done with all slots, and gives them up.
template <class F>
void Copier::guarded(F&& work) {
  try {
    const Within within(lane_.context);
    std::forward<F>(work)();
  } catch (...) {
    failure_ = std::current_exception();
    try {
      const Within within(lane_.context);
      static_cast<void>(driver_.calls().drain(lane_.stream));
    } catch (...) {}  // the context is gone: nothing runs in it
    give_back();
    throw;
  }
}

std::span<std::byte> Copier::buffer() {
  if (!has_room()) land(landed_ + 1);
  if (Ring::get().is_awaited()) rest();
  Slot& slot = slots_[sent_ % 2];
  if (slot.memory == nullptr) slot = next_slot();
  return {slot.memory, kSlotBytes};
}

// Whoever has a slot never waits for another one: those who wait for each other would wait for ever.
Slot Copier::next_slot() {
  Slot& other = slots_[(sent_ + 1) % 2];
  Slot found;
  guarded([&] {
    if (other.memory == nullptr) {
      found = Ring::get().take(lane_.context);
    } else if (const auto slot = Ring::get().try_take(lane_.context)) {
      found = *slot;
    }
  });
  if (found.memory != nullptr) return found;
  land(sent_);
  return std::exchange(other, {});
}

void Copier::send(Address to, std::size_t bytes) {
  guarded([&] {
    const Calls& calls = driver_.calls();
    const std::size_t number = sent_ % 2;
    driver_.check(calls.copy(to, slots_[number].memory, bytes, lane_.stream), "cuMemcpyHtoDAsync");
    driver_.check(calls.record(lane_.events[number], lane_.stream), "cuEventRecord");
    ++sent_;
  });
}

void Copier::send_through(Address to, std::span<const std::byte> from) {
  while (!from.empty()) {
    const std::span<std::byte> slot = buffer();
    const std::size_t taken = std::min(slot.size(), from.size());
    std::memcpy(slot.data(), from.data(), taken);
    send(to, taken);
    to += taken;
    from = from.subspan(taken);
  }
}

void Copier::poll() {
  if (landed_ == sent_) return;
  guarded([&] {
    for (; landed_ < sent_; ++landed_) {
      const Status status = driver_.calls().query(lane_.events[landed_ % 2]);
      if (status == kNotReady) return;
      driver_.check(status, "cuEventQuery");
    }
  });
}

void Copier::land(std::uint64_t count) {
  if (landed_ >= count) return;
  guarded([&] {
    for (; landed_ < count; ++landed_) {
      const EventHandle event = lane_.events[landed_ % 2];
      const Status status = driver_.calls().query(event);
      driver_.check(status == kNotReady ? driver_.calls().wait(event) : status, "cuEventSynchronize");
    }
  });
}

void Copier::rest() {
  land(sent_);
  give_back();
}

void Copier::give_back() noexcept {
  for (Slot& slot : slots_) {
    if (slot.memory == nullptr) continue;
    if (failure_) {
      Ring::get().discard(std::exchange(slot, {}));
    } else {
      Ring::get().give(std::exchange(slot, {}));
    }
  }
}

}  // namespace zt::device
