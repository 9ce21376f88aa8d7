#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace zt::device {

// What the functions of the CUDA driver take and give. We declare the few that we use: no CUDA header is needed, and
// the driver is looked for when a device is first asked for.
using Status = int;             // CUresult; 0 is success
using Address = std::uint64_t;  // CUdeviceptr
using ContextHandle = void*;    // CUcontext
using StreamHandle = void*;     // CUstream; null is the default stream
using EventHandle = void*;      // CUevent

struct Calls {
  Status (*init)(unsigned flags);
  Status (*error_name)(Status status, const char** name);
  Status (*device_get)(int* device, int ordinal);
  Status (*device_count)(int* count);
  Status (*retain_primary)(ContextHandle* context, int device);
  Status (*push)(ContextHandle context);
  Status (*pop)(ContextHandle* context);
  Status (*allocate_pinned)(void** memory, std::size_t bytes, unsigned flags);
  Status (*free_pinned)(void* memory);
  Status (*make_stream)(StreamHandle* stream, unsigned flags);
  Status (*free_stream)(StreamHandle stream);
  Status (*drain)(StreamHandle stream);
  Status (*make_event)(EventHandle* event, unsigned flags);
  Status (*free_event)(EventHandle event);
  Status (*record)(EventHandle event, StreamHandle stream);
  Status (*query)(EventHandle event);
  Status (*wait)(EventHandle event);
  Status (*copy)(Address to, const void* from, std::size_t bytes, StreamHandle stream);
};

inline constexpr Status kNoMemory = 2;
inline constexpr Status kNotInitialized = 3;
inline constexpr Status kNotReady = 600;
inline constexpr unsigned kPortable = 1;     // pinned memory: for all contexts
inline constexpr unsigned kNonBlocking = 1;  // streams: without the implicit order after the default stream
inline constexpr unsigned kQuietEvent = 3;   // events: waiting sleeps, and no times are taken

// The CUDA driver of this process.
class Driver {
 public:
  // Loads and starts the driver when it is first called: ZTENSOR_CUDA_DRIVER if it is set, else libcuda.so.1. Throws
  // unsupported "device.driver" where there is none, or none that works. Any thread.
  static const Driver& get();
  // Why get() throws; empty if it does not.
  static std::string trouble();

  const Calls& calls() const { return calls_; }
  // Throws no_memory or io if `status` is an error of `call`.
  void check(Status status, const char* call) const {
    if (status != 0) fail(status, call);
  }

 private:
  friend struct Loaded;
  [[noreturn]] void fail(Status status, const char* call) const;
  std::string text_of(Status status, const char* call) const;
  std::string load();

  Calls calls_ = {};
};

}  // namespace zt::device
