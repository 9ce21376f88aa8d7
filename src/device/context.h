#pragma once

#include <atomic>

#include "device/driver.h"

namespace zt::device {

// The primary context of a device of this process, which CUDA programs share, torch among them. It is kept until the
// process ends. Throws usage for a device that is not there, and as Driver::get(). Any thread.
ContextHandle context_of(int device);

// Makes a context the calling thread's as long as it lives; then the thread has again the one that it had.
class Within {
 public:
  explicit Within(ContextHandle context);  // throws io
  ~Within();
  Within(const Within&) = delete;
  Within& operator=(const Within&) = delete;

 private:
  const Calls& calls_;
};

// A moment in a stream of the caller. Any thread.
class Event {
 public:
  // What is queued on `stream` now, in `context`. Throws io, no_memory.
  Event(ContextHandle context, StreamHandle stream);
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  // Whether the stream has come to it. Throws io.
  bool has_passed() const;
  void wait() const;  // until it has passed; throws io

 private:
  const Driver& driver_;
  ContextHandle context_;
  EventHandle handle_ = nullptr;
  mutable std::atomic<bool> passed_ = false;
};

}  // namespace zt::device
