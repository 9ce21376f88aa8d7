#include "device/context.h"

#include <map>
#include <mutex>
#include <string>

#include "run/per_process.h"
#include "ztensor/error.h"

namespace zt::device {
namespace {

// The primary contexts that were retained.
class Primaries {
 public:
  ContextHandle of(const Driver& driver, int device) {
    const std::lock_guard lock(mutex_);
    const auto found = retained_.find(device);
    if (found != retained_.end()) return found->second;
    ContextHandle context = nullptr;
    driver.check(driver.calls().retain_primary(&context, device), "cuDevicePrimaryCtxRetain");
    retained_.emplace(device, context);
    return context;
  }

 private:
  std::mutex mutex_;
  std::map<int, ContextHandle> retained_;
};

Primaries& primaries() {
  static auto& each = *new run::PerProcess<Primaries>;
  return each.here();
}

}  // namespace

ContextHandle context_of(int device) {
  const Driver& driver = Driver::get();
  int count = 0;
  driver.check(driver.calls().device_count(&count), "cuDeviceGetCount");
  if (device < 0 || device >= count) {
    throw Error(Code::usage, "",
                "there is no CUDA device " + std::to_string(device) + ": this process sees " + std::to_string(count) +
                    ", whose numbers begin at 0");
  }
  int handle = 0;
  driver.check(driver.calls().device_get(&handle, device), "cuDeviceGet");
  return primaries().of(driver, handle);
}

Within::Within(ContextHandle context) : calls_(Driver::get().calls()) {
  Driver::get().check(calls_.push(context), "cuCtxPushCurrent");
}

Within::~Within() {
  ContextHandle popped = nullptr;
  static_cast<void>(calls_.pop(&popped));
}

Event::Event(ContextHandle context, StreamHandle stream) : driver_(Driver::get()), context_(context) {
  const Within within(context_);
  driver_.check(driver_.calls().make_event(&handle_, kQuietEvent), "cuEventCreate");
  const Status status = driver_.calls().record(handle_, stream);
  if (status == 0) return;
  static_cast<void>(driver_.calls().free_event(handle_));
  driver_.check(status, "cuEventRecord");
}

Event::~Event() {
  try {
    const Within within(context_);
    static_cast<void>(driver_.calls().free_event(handle_));
  } catch (...) {}  // the context is gone, and the event with it
}

bool Event::has_passed() const {
  if (passed_) return true;
  const Within within(context_);
  const Status status = driver_.calls().query(handle_);
  if (status == kNotReady) return false;
  driver_.check(status, "cuEventQuery");
  passed_ = true;
  return true;
}

void Event::wait() const {
  if (has_passed()) return;
  const Within within(context_);
  driver_.check(driver_.calls().wait(handle_), "cuEventSynchronize");
  passed_ = true;
}

}  // namespace zt::device
