// A CUDA driver for tests, which has no device: its device memory is memory of the host. It does what makes programs go
// wrong on a real one. Copies run late, on a thread for each stream, and read their source only then; streams run side by
// side, in no order except by events; it knows what lives, and counts what is used wrongly; calls fail when a test says
// so; and a forked child can use nothing. A test loads it through ZTENSOR_CUDA_DRIVER and steers it by the functions
// zt_stand_in_*.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#define STAND_IN extern "C" __attribute__((visibility("default")))

namespace {

constexpr int kDevices = 2;
constexpr int kInvalidValue = 1, kOutOfMemory = 2, kNotInitialized = 3, kInvalidDevice = 101, kInvalidContext = 201,
              kInvalidHandle = 400, kNotReady = 600, kLost = 700;

struct Stream;

struct Context {
  int device;
  std::unique_ptr<Stream> fallback;  // the default stream
};

struct Event {
  Context* context;
  std::uint64_t recorded = 0;  // how many times a stream was asked to record it
  std::uint64_t passed = 0;    // the last of these that a stream has come to
};

// A queue of work and the thread that does it.
struct Stream {
  explicit Stream(Context* of) : context(of), thread([this] { run(); }) {}
  ~Stream();
  void run();

  Context* context;
  std::deque<std::function<void()>> queue;  // what does the work holds the lock, and may let go of it
  bool stops = false;
  std::condition_variable changed;
  std::thread thread;
};

struct Fault {
  std::uint64_t after;
  int status;
};

struct State {
  std::mutex mutex;
  std::condition_variable passed;  // an event was passed
  pid_t process = 0;
  bool lost = false;
  std::map<std::string, Fault> faults;
  std::map<std::string, std::uint64_t> counts;
  std::map<int, std::unique_ptr<Context>> contexts;
  std::set<Stream*> streams;
  std::set<Event*> events;
  std::map<std::uintptr_t, std::size_t> pinned, memory;  // blocks, by address
  std::map<std::uintptr_t, int> device_of;               // of each block of memory
  std::map<std::uintptr_t, int> in_use;                  // blocks that copies under way read or write
  std::uint64_t most_delay = 300;                        // microseconds, of each copy
  std::uint64_t most_pinned = ~std::uint64_t{0};         // bytes
  std::uint64_t pinned_bytes = 0;
};

State& state() {
  static State& only = *new State;  // never destroyed: threads of streams that were kept still use it
  return only;
}

thread_local std::vector<Context*> current;
using Lock = std::unique_lock<std::mutex>;

int misuse(State& s, const char* what) {
  ++s.counts["misuse"];
  ++s.counts[std::string("misuse: ") + what];
  return kInvalidValue;
}

// The status of a call before it does anything.
int enter(State& s, const char* call) {
  ++s.counts[call];
  if (s.process != getpid()) return kNotInitialized;
  if (s.lost) return kLost;
  const auto fault = s.faults.find(call);
  if (fault == s.faults.end()) return 0;
  if (fault->second.after != 0) {
    --fault->second.after;
    return 0;
  }
  const int status = fault->second.status;
  if (status == kLost) s.lost = true;
  s.faults.erase(fault);
  return status;
}

int enter_context(State& s, const char* call, Context** context) {
  if (const int status = enter(s, call)) return status;
  if (current.empty()) return kInvalidContext;
  *context = current.back();
  return 0;
}

const std::pair<const std::uintptr_t, std::size_t>* block_of(const std::map<std::uintptr_t, std::size_t>& blocks,
                                                             std::uintptr_t at, std::size_t bytes) {
  auto after = blocks.upper_bound(at);
  if (after == blocks.begin()) return nullptr;
  --after;
  return at - after->first <= after->second && bytes <= after->second - (at - after->first) ? &*after : nullptr;
}

void Stream::run() {
  Lock lock(state().mutex);
  while (true) {
    changed.wait(lock, [&] { return stops || !queue.empty(); });
    if (queue.empty()) return;
    const std::function<void()> work = queue.front();
    work();
    queue.pop_front();
    state().passed.notify_all();
  }
}

Stream::~Stream() {
  {
    const Lock lock(state().mutex);
    stops = true;
    changed.notify_all();
  }
  thread.join();
}

void push(Stream* stream, std::function<void()> work) {
  stream->queue.push_back(std::move(work));
  stream->changed.notify_all();
}

Stream* stream_of(State& s, void* handle, Context* context) {
  if (handle == nullptr) return context->fallback.get();
  auto* const stream = static_cast<Stream*>(handle);
  return s.streams.count(stream) != 0 ? stream : nullptr;
}

Event* event_of(State& s, void* handle) {
  auto* const event = static_cast<Event*>(handle);
  return s.events.count(event) != 0 ? event : nullptr;
}

// Waits without the lock, for some time that nobody can foresee.
void idle(std::uint64_t most) {
  static std::mt19937 random(1);
  const std::uint64_t time = most == 0 ? 0 : std::uniform_int_distribution<std::uint64_t>(0, most)(random);
  state().mutex.unlock();
  std::this_thread::sleep_for(std::chrono::microseconds(time));
  state().mutex.lock();
}

}  // namespace

// --- what a test says ----------------------------------------------------------------------------------------------

// Call number `after` + 1 of a function, counted from now, returns `status`. 700 loses all contexts for good.
STAND_IN void zt_stand_in_fail(const char* call, std::uint64_t after, int status) {
  const Lock lock(state().mutex);
  state().faults[call] = {after, status};
}
STAND_IN void zt_stand_in_set(const char* what, std::uint64_t value) {
  State& s = state();
  const Lock lock(s.mutex);
  if (std::strcmp(what, "delay") == 0) s.most_delay = value;
  if (std::strcmp(what, "pinned") == 0) s.most_pinned = value;
}
// How often a function was called ("cuMemHostAlloc"), how much was used wrongly ("misuse"), or how many objects live
// ("pinned" in bytes, "streams", "events", "memory", "memory bytes").
STAND_IN std::uint64_t zt_stand_in_count(const char* what) {
  State& s = state();
  const Lock lock(s.mutex);
  const std::string name = what;
  if (name == "pinned") return s.pinned_bytes;
  if (name == "streams") return s.streams.size();
  if (name == "events") return s.events.size();
  if (name == "memory") return s.memory.size();
  if (name == "memory bytes") {
    std::uint64_t bytes = 0;
    for (const auto& [address, size] : s.memory) bytes += size;
    return bytes;
  }
  const auto found = s.counts.find(name);
  return found == s.counts.end() ? 0 : found->second;
}
// Forgets faults and counts. Contexts that were lost are as new, and nothing of the lost ones lives.
STAND_IN void zt_stand_in_reset() {
  State& s = state();
  std::vector<std::unique_ptr<Stream>> ended;
  Lock lock(s.mutex);
  if (s.lost) {
    for (Stream* const stream : std::exchange(s.streams, {})) ended.emplace_back(stream);
    lock.unlock();
    ended.clear();  // does what is queued
    lock.lock();
    s.passed.wait(lock, [&] {
      return std::all_of(s.contexts.begin(), s.contexts.end(),
                         [](const auto& each) { return each.second->fallback->queue.empty(); });
    });
    for (Event* const event : std::exchange(s.events, {})) delete event;
    for (const auto& [address, bytes] : std::exchange(s.pinned, {})) std::free(reinterpret_cast<void*>(address));
    s.pinned_bytes = 0;
  }
  s.lost = false;
  s.faults.clear();
  s.counts.clear();
  s.most_delay = 300;
  s.most_pinned = ~std::uint64_t{0};
}
// A kernel on a stream of the calling thread's context: it takes `microseconds`, and then writes `value` into memory.
STAND_IN void zt_stand_in_kernel(void* stream, std::uint64_t at, std::size_t bytes, int value,
                                 std::uint64_t microseconds) {
  State& s = state();
  const Lock lock(s.mutex);
  push(stream_of(s, stream, current.empty() ? s.contexts.begin()->second.get() : current.back()), [=] {
    state().mutex.unlock();
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
    state().mutex.lock();
    std::memset(reinterpret_cast<void*>(at), value, bytes);
  });
}

// Memory of a device, with bytes of 0xEE. It is freed when no copy writes to it; otherwise that is wrong use.
STAND_IN std::uint64_t zt_stand_in_allocate(int device, std::size_t bytes) {
  State& s = state();
  const Lock lock(s.mutex);
  void* const memory = std::aligned_alloc(512, (bytes + 511) / 512 * 512 + 512);
  std::memset(memory, 0xEE, bytes);
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  s.memory[address] = bytes;
  s.device_of[address] = device;
  return address;
}
STAND_IN void zt_stand_in_free(std::uint64_t address) {
  State& s = state();
  Lock lock(s.mutex);
  if (s.in_use[address] != 0 && !s.lost) misuse(s, "free of memory that a copy writes to");
  s.passed.wait(lock, [&] { return s.in_use[address] == 0; });
  s.memory.erase(address);
  std::free(reinterpret_cast<void*>(address));
}
// A stream of the caller, in the primary context of a device.
STAND_IN void* zt_stand_in_stream(int device) {
  State& s = state();
  const Lock lock(s.mutex);
  auto* const stream = new Stream(s.contexts.at(device).get());
  s.streams.insert(stream);
  return stream;
}
STAND_IN void zt_stand_in_end_stream(void* handle) {
  {
    const Lock lock(state().mutex);
    state().streams.erase(static_cast<Stream*>(handle));
  }
  delete static_cast<Stream*>(handle);
}
// Waits until all streams are idle.
STAND_IN void zt_stand_in_settle() {
  State& s = state();
  Lock lock(s.mutex);
  s.passed.wait(lock, [&] {
    const auto idle = [](const Stream* stream) { return stream->queue.empty(); };
    return std::all_of(s.streams.begin(), s.streams.end(), idle) &&
           std::all_of(s.contexts.begin(), s.contexts.end(),
                       [&](const auto& each) { return idle(each.second->fallback.get()); });
  });
}

// --- the driver ----------------------------------------------------------------------------------------------------

STAND_IN int cuInit(unsigned) {
  State& s = state();
  if (s.process != 0 && s.process != getpid())
    return kNotInitialized;  // another thread may have held the lock at the fork
  const Lock lock(s.mutex);
  s.process = getpid();
  return enter(s, "cuInit");
}

STAND_IN int cuGetErrorName(int status, const char** name) {
  static const std::map<int, const char*> names = {{kInvalidValue, "CUDA_ERROR_INVALID_VALUE"},
                                                   {kOutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY"},
                                                   {kNotInitialized, "CUDA_ERROR_NOT_INITIALIZED"},
                                                   {kInvalidDevice, "CUDA_ERROR_INVALID_DEVICE"},
                                                   {kInvalidContext, "CUDA_ERROR_INVALID_CONTEXT"},
                                                   {kInvalidHandle, "CUDA_ERROR_INVALID_HANDLE"},
                                                   {kNotReady, "CUDA_ERROR_NOT_READY"},
                                                   {kLost, "CUDA_ERROR_ILLEGAL_ADDRESS"}};
  const auto found = names.find(status);
  *name = found == names.end() ? nullptr : found->second;
  return found == names.end() ? kInvalidValue : 0;
}

STAND_IN int cuDeviceGetCount(int* count) {
  State& s = state();
  const Lock lock(s.mutex);
  *count = kDevices;
  return enter(s, "cuDeviceGetCount");
}

STAND_IN int cuDeviceGet(int* device, int ordinal) {
  State& s = state();
  const Lock lock(s.mutex);
  *device = ordinal;
  return ordinal < 0 || ordinal >= kDevices ? kInvalidDevice : enter(s, "cuDeviceGet");
}

STAND_IN int cuDevicePrimaryCtxRetain(void** context, int device) {
  State& s = state();
  Lock lock(s.mutex);
  if (const int status = enter(s, "cuDevicePrimaryCtxRetain")) return status;
  std::unique_ptr<Context>& made = s.contexts[device];
  if (!made) {
    made = std::make_unique<Context>(Context{device, nullptr});
    made->fallback = std::make_unique<Stream>(made.get());
  }
  *context = made.get();
  return 0;
}

STAND_IN int cuCtxPushCurrent_v2(void* context) {
  State& s = state();
  const Lock lock(s.mutex);
  if (const int status = enter(s, "cuCtxPushCurrent_v2")) return status;
  current.push_back(static_cast<Context*>(context));
  return 0;
}

STAND_IN int cuCtxPopCurrent_v2(void** context) {
  State& s = state();
  const Lock lock(s.mutex);
  if (current.empty()) return misuse(s, "pop without push");
  *context = current.back();
  current.pop_back();
  return enter(s, "cuCtxPopCurrent_v2");
}

STAND_IN int cuMemHostAlloc(void** memory, std::size_t bytes, unsigned flags) {
  State& s = state();
  const Lock lock(s.mutex);
  Context* context = nullptr;
  if (const int status = enter_context(s, "cuMemHostAlloc", &context)) return status;
  if (flags != 1) return misuse(s, "pinned memory that is not portable");
  if (s.pinned_bytes + bytes > s.most_pinned) return kOutOfMemory;
  *memory = std::aligned_alloc(4096, bytes);
  if (*memory == nullptr) return kOutOfMemory;
  s.pinned[reinterpret_cast<std::uintptr_t>(*memory)] = bytes;
  s.pinned_bytes += bytes;
  return 0;
}

STAND_IN int cuMemFreeHost(void* memory) {
  State& s = state();
  Lock lock(s.mutex);
  Context* context = nullptr;
  if (const int status = enter_context(s, "cuMemFreeHost", &context); status != 0 && !s.lost) return status;
  const auto at = reinterpret_cast<std::uintptr_t>(memory);
  const auto found = s.pinned.find(at);
  if (found == s.pinned.end()) return misuse(s, "free of memory that is not pinned");
  if (s.in_use[at] != 0 && !s.lost) return misuse(s, "free of memory that a copy reads");
  s.passed.wait(lock, [&] { return s.in_use[at] == 0; });  // on a lost device nothing is under way
  s.pinned_bytes -= found->second;
  s.pinned.erase(found);
  std::free(memory);
  return 0;
}

STAND_IN int cuStreamCreate(void** made, unsigned flags) {
  State& s = state();
  const Lock lock(s.mutex);
  Context* context = nullptr;
  if (const int status = enter_context(s, "cuStreamCreate", &context)) return status;
  if (flags != 1) return misuse(s, "a stream that waits for the default stream");
  auto* const stream = new Stream(context);
  s.streams.insert(stream);
  *made = stream;
  return 0;
}

STAND_IN int cuStreamDestroy_v2(void* handle) {
  State& s = state();
  auto* const stream = static_cast<Stream*>(handle);
  {
    const Lock lock(s.mutex);
    Context* context = nullptr;
    if (const int status = enter_context(s, "cuStreamDestroy_v2", &context); status != 0 && !s.lost) return status;
    if (s.streams.erase(stream) == 0) return misuse(s, "a stream that does not live");
  }
  delete stream;  // does what is queued
  return 0;
}

STAND_IN int cuStreamSynchronize(void* handle) {
  State& s = state();
  Lock lock(s.mutex);
  Context* context = nullptr;
  if (const int status = enter_context(s, "cuStreamSynchronize", &context)) return status;
  auto* const stream = static_cast<Stream*>(handle);
  if (s.streams.count(stream) == 0) return misuse(s, "cuStreamSynchronize");
  s.passed.wait(lock, [&] { return stream->queue.empty(); });
  return 0;
}

STAND_IN int cuEventCreate(void** made, unsigned) {
  State& s = state();
  const Lock lock(s.mutex);
  Context* context = nullptr;
  if (const int status = enter_context(s, "cuEventCreate", &context)) return status;
  auto* const event = new Event{context};
  s.events.insert(event);
  *made = event;
  return 0;
}

STAND_IN int cuEventDestroy_v2(void* handle) {
  State& s = state();
  Lock lock(s.mutex);
  auto* const event = static_cast<Event*>(handle);
  Context* context = nullptr;
  if (const int status = enter_context(s, "cuEventDestroy_v2", &context); status != 0 && !s.lost) return status;
  if (s.events.erase(event) == 0) return misuse(s, "an event that does not live");
  s.passed.wait(lock, [&] { return event->passed == event->recorded; });  // what is queued may still name it
  delete event;
  return 0;
}

STAND_IN int cuEventRecord(void* handle, void* where) {
  State& s = state();
  const Lock lock(s.mutex);
  Context* context = nullptr;
  if (const int status = enter_context(s, "cuEventRecord", &context)) return status;
  Event* const event = event_of(s, handle);
  Stream* const stream = stream_of(s, where, context);
  if (event == nullptr || stream == nullptr || event->context != stream->context) return misuse(s, "cuEventRecord");
  const std::uint64_t number = ++event->recorded;
  push(stream, [event, number] { event->passed = std::max(event->passed, number); });
  return 0;
}

STAND_IN int cuEventQuery(void* handle) {
  State& s = state();
  const Lock lock(s.mutex);
  Context* context = nullptr;
  if (const int status = enter_context(s, "cuEventQuery", &context)) return status;
  const Event* const event = event_of(s, handle);
  if (event == nullptr) return misuse(s, "cuEventQuery");
  return event->passed == event->recorded ? 0 : kNotReady;
}

STAND_IN int cuEventSynchronize(void* handle) {
  State& s = state();
  Lock lock(s.mutex);
  Context* context = nullptr;
  if (const int status = enter_context(s, "cuEventSynchronize", &context)) return status;
  const Event* const event = event_of(s, handle);
  if (event == nullptr) return misuse(s, "cuEventSynchronize");
  s.passed.wait(lock, [&, number = event->recorded] { return event->passed >= number; });
  return s.lost ? kLost : 0;
}

STAND_IN int cuMemcpyHtoDAsync_v2(std::uint64_t to, const void* from, std::size_t bytes, void* where) {
  State& s = state();
  const Lock lock(s.mutex);
  Context* context = nullptr;
  if (const int status = enter_context(s, "cuMemcpyHtoDAsync_v2", &context)) return status;
  Stream* const stream = stream_of(s, where, context);
  if (stream == nullptr) return misuse(s, "a copy on a stream that does not live");
  if (stream->context != context) return misuse(s, "a copy on a stream of another context");
  const auto* const target = block_of(s.memory, to, bytes);
  if (target == nullptr) return misuse(s, "a copy to memory that is not of the device");
  const std::uintptr_t into = target->first;
  if (s.device_of[into] != context->device) return misuse(s, "a copy to memory of another device");
  ++s.in_use[into];
  const auto* const block = block_of(s.pinned, reinterpret_cast<std::uintptr_t>(from), bytes);
  if (block == nullptr) {  // the driver takes a copy of memory that is not pinned, before it returns
    auto taken = std::make_shared<std::vector<std::byte>>(static_cast<const std::byte*>(from),
                                                          static_cast<const std::byte*>(from) + bytes);
    push(stream, [=] {
      std::memcpy(reinterpret_cast<void*>(to), taken->data(), taken->size());
      --state().in_use[into];
    });
    return 0;
  }
  const std::uintptr_t base = block->first;
  ++s.in_use[base];
  push(stream, [=] {
    idle(state().most_delay);
    state().mutex.unlock();
    std::memcpy(reinterpret_cast<void*>(to), from, bytes);
    state().mutex.lock();
    --state().in_use[base];
    --state().in_use[into];
  });
  return 0;
}
