#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ztensor/macros.h"
#include "ztensor/options.h"
#include "ztensor/prefetch.h"
#include "ztensor/progress.h"

namespace zt {

// Reads of tensors into memory of CUDA devices. Several threads read and decode pieces of the file into a few pinned
// buffers, check digests there, and copy from there. All reads of a process share at most 64 MiB of these buffers. The
// NVIDIA driver is looked for when a device is first asked for; ZTENSOR_CUDA_DRIVER names another one.
//
// Devices are used in their primary context, as torch and the CUDA runtime use them. A process whose context is lost
// must be started again, as for any CUDA program. In a child that was forked after its parent used CUDA, calls throw
// unsupported "device.driver". Do not read while a stream is captured into a graph: allocations disturb it. Any thread
// may call any of these functions.

// Why this process cannot read to devices; empty if it can.
[[nodiscard]] ZT_API std::string device_trouble();

// Gives the buffers and streams that no read uses back to the system; the next read makes new ones. Otherwise the process
// keeps them until it ends. Call it before a device is reset. It may wait for the device.
ZT_API void release_device_buffers();

// Memory of a device that the caller allocated.
struct DeviceMemory {
  std::shared_ptr<void> owner = {};  // keeps it alive; may be null
  std::uint64_t address = 0;         // a CUdeviceptr
  std::uint64_t bytes = 0;
  // A CUstream: what is queued on it may still use the memory, so the first copy waits for that. Null: the device's
  // default stream.
  void* stream = nullptr;
};
// Gives `bytes` of memory on the device. A read calls it on the thread of its caller, and never twice at the same time.
using DeviceAllocator = std::function<DeviceMemory(std::uint64_t bytes)>;

struct DeviceOptions {
  int device = 0;                     // its number, from 0 on
  unsigned threads = 0;               // 0: as the source of the first item was opened. More than 16 count as 16
  std::optional<Verify> verify = {};  // empty: as the source was opened
};

// One read of several: the elements of a dense tensor, or a slice of it, little-endian and row-major.
struct DeviceRead {
  PrefetchItem item;
  DeviceMemory memory;  // of exactly the bytes of the result
};
// Carries out all reads. All copies have ended when it returns or throws, so work that is queued after it sees the
// elements. `progress` counts bytes. Stops at the first failure that it comes to, and throws it: what the reads of items
// throw; usage for a device that is not there, memory of the wrong size, or a bad number of threads; unsupported
// "device.driver" without a driver; io for an error of the driver; cancelled. Then the memory may have any bytes.
ZT_API void read_to_device(std::span<const DeviceRead> reads, const DeviceOptions& options = {},
                           const Progress& progress = {});
// The same into memory that it asks for: few large allocations, in which items begin at multiples of 512 bytes. Returns
// the memory of each item, whose owner is that of its allocation. Throws also what `allocate` throws.
[[nodiscard]] ZT_API std::vector<DeviceMemory> read_to_device(std::span<const PrefetchItem> items,
                                                              const DeviceAllocator& allocate,
                                                              const DeviceOptions& options = {},
                                                              const Progress& progress = {});

// An item that was handed out.
struct OnDevice {
  std::size_t index = 0;            // in the items of the DevicePrefetch
  DeviceMemory memory = {};         // as read_to_device() returns it
  std::exception_ptr failure = {};  // as in Prefetched

  // Throws the failure, if there is one.
  void check() const {
    if (failure) std::rethrow_exception(failure);
  }
};

// A Prefetch whose items go to memory of a device. An allocation lives until its last item, and the DevicePrefetch, let
// go of it. Everything else is as Prefetch says.
class ZT_API DevicePrefetch {
 public:
  // `memory_limit`: bytes of the allocations that have items which are not handed out. One item that is larger still gets
  // memory, alone, and take() goes over the limit. The constructor, next(), try_next() and take() call `allocate`, and
  // throw what it throws; a later call asks again. Where even one item alone is refused a second time, it fails, and the
  // others go on. Throws for device and threads as read_to_device().
  DevicePrefetch(std::vector<PrefetchItem> items, DeviceAllocator allocate, const DeviceOptions& options = {},
                 std::uint64_t memory_limit = ~std::uint64_t{0});
  DevicePrefetch(const DevicePrefetch&) = delete;
  DevicePrefetch& operator=(const DevicePrefetch&) = delete;
  ~DevicePrefetch();  // closes

  [[nodiscard]] std::optional<OnDevice> next(const Progress& progress = {});
  [[nodiscard]] std::optional<OnDevice> try_next();
  [[nodiscard]] OnDevice take(std::size_t index, const Progress& progress = {});
  [[nodiscard]] std::size_t left() const;
  // Gives up the items that are left. No copy is under way when it returns.
  void close();

 private:
  std::unique_ptr<source::PrefetchState> state_;
};

}  // namespace zt
