#include "stand_in.h"

#ifndef _WIN32
#include <cstdlib>

#include "run/library.h"

namespace zt::test {
namespace {

// Before the first test, so that the process never has another driver.
const bool chosen = ::setenv("ZTENSOR_CUDA_DRIVER", ZT_STAND_IN_DRIVER, 1) == 0;

}  // namespace

StandIn::StandIn() {
  EXPECT_TRUE(chosen);
  const run::Library library(ZT_STAND_IN_DRIVER);
  fail_ = library.function<void(const char*, std::uint64_t, int)>("zt_stand_in_fail");
  set_ = library.function<void(const char*, std::uint64_t)>("zt_stand_in_set");
  count_ = library.function<std::uint64_t(const char*)>("zt_stand_in_count");
  reset_ = library.function<void()>("zt_stand_in_reset");
  kernel_ = library.function<void(void*, std::uint64_t, std::size_t, int, std::uint64_t)>("zt_stand_in_kernel");
  allocate_ = library.function<std::uint64_t(int, std::size_t)>("zt_stand_in_allocate");
  free_ = library.function<void(std::uint64_t)>("zt_stand_in_free");
  settle_ = library.function<void()>("zt_stand_in_settle");
  stream_ = library.function<void*(int)>("zt_stand_in_stream");
  end_stream_ = library.function<void(void*)>("zt_stand_in_end_stream");
  EXPECT_EQ(device_trouble(), "");
  release_device_buffers();
  reset_();
}

StandIn::~StandIn() {
  EXPECT_EQ(count("misuse"), 0U);
  release_device_buffers();
  reset_();
  EXPECT_EQ(count("pinned"), 0U);
  EXPECT_EQ(count("streams"), 0U);
  EXPECT_EQ(count("events"), 0U);
  EXPECT_EQ(count("memory"), 0U);
}

std::shared_ptr<void> StandIn::stream(int device) const { return {stream_(device), end_stream_}; }

DeviceMemory StandIn::allocate(std::uint64_t bytes, int device) const {
  DeviceMemory memory{.owner = {}, .address = allocate_(device, bytes), .bytes = bytes, .stream = nullptr};
  memory.owner = std::shared_ptr<void>(reinterpret_cast<void*>(memory.address),
                                       [release = free_](void* at) { release(reinterpret_cast<std::uint64_t>(at)); });
  return memory;
}

std::vector<std::byte> StandIn::bytes_of(const DeviceMemory& memory) {
  const auto* first = reinterpret_cast<const std::byte*>(memory.address);
  return {first, first + memory.bytes};
}

}  // namespace zt::test
#endif
