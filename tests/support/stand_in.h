#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ztensor/device.h"

namespace zt::test {

// The stand-in for a CUDA driver (tests/device/stand_in.cc), which every test of this program gets. A test begins with
// one of these: it forgets what tests before did, and at its end nothing was used wrongly.
class StandIn {
 public:
  StandIn();
  ~StandIn();
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;

  void fail(const char* call, std::uint64_t after, int status) const { fail_(call, after, status); }
  void set(const char* what, std::uint64_t value) const { set_(what, value); }
  std::uint64_t count(const char* what) const { return count_(what); }
  void kernel(void* stream, const DeviceMemory& memory, int value, std::uint64_t microseconds) const {
    kernel_(stream, memory.address, memory.bytes, value, microseconds);
  }
  void heal() const { reset_(); }

  // Memory on a device, which has bytes of 0xEE. Freeing it while a copy writes to it is wrong use.
  DeviceMemory allocate(std::uint64_t bytes, int device = 0) const;
  // A stream of the caller, on a device whose context was used before.
  std::shared_ptr<void> stream(int device) const;
  void settle() const { settle_(); }  // waits until all streams are idle
  // What is in it now. Waits for nothing.
  static std::vector<std::byte> bytes_of(const DeviceMemory& memory);

 private:
  void (*fail_)(const char*, std::uint64_t, int);
  void (*set_)(const char*, std::uint64_t);
  std::uint64_t (*count_)(const char*);
  void (*reset_)();
  void (*kernel_)(void*, std::uint64_t, std::size_t, int, std::uint64_t);
  std::uint64_t (*allocate_)(int, std::size_t);
  void (*free_)(std::uint64_t);
  void (*settle_)();
  void* (*stream_)(int);
  void (*end_stream_)(void*);
};

}  // namespace zt::test
