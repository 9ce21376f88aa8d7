#include <utility>

#include "device/context.h"
#include "device/driver.h"
#include "device/ring.h"
#include "source/prefetch_state.h"
#include "ztensor/device.h"
#include "ztensor/error.h"

namespace zt {
namespace {

using source::DeviceTarget;
using source::PrefetchState;

OnDevice on_device(PrefetchState::Item&& item) {
  return {.index = item.index, .memory = std::move(item.on_device), .failure = std::move(item.failure)};
}

std::optional<OnDevice> on_device(std::optional<PrefetchState::Item>&& item) {
  return item ? std::optional(on_device(*std::move(item))) : std::nullopt;
}

PrefetchOptions options_of(const DeviceOptions& options, std::uint64_t memory_limit = ~std::uint64_t{0}) {
  return {.ahead = memory_limit, .threads = options.threads, .verify = options.verify};
}

std::vector<DeviceMemory> read_all(std::vector<PrefetchItem> items, const DeviceOptions& options, DeviceTarget target,
                                   const Progress& progress) {
  PrefetchState state(std::move(items), options_of(options), std::move(target));
  try {
    std::vector<DeviceMemory> memory = state.read_all(progress);
    state.close();
    return memory;
  } catch (...) {
    state.close();  // no copy is under way when the caller has the memory again
    throw;
  }
}

DeviceAllocator& check_given(DeviceAllocator& allocate) {
  if (!allocate) throw Error(Code::usage, "", "there is no allocator: give a function that gives memory on the device");
  return allocate;
}

}  // namespace

std::string device_trouble() { return device::Driver::trouble(); }

void release_device_buffers() {
  if (device::Driver::trouble().empty()) device::Ring::get().release();
}

void read_to_device(std::span<const DeviceRead> reads, const DeviceOptions& options, const Progress& progress) {
  DeviceTarget target{.context = device::context_of(options.device)};
  std::vector<PrefetchItem> items;
  std::shared_ptr<const device::Event> ready;
  void* stream = nullptr;
  for (const DeviceRead& read : reads) {
    if (ready == nullptr || read.memory.stream != stream) {
      stream = read.memory.stream;
      ready = std::make_shared<const device::Event>(target.context, static_cast<device::StreamHandle>(stream));
    }
    items.push_back(read.item);
    target.places.push_back({.address = read.memory.address, .bytes = read.memory.bytes, .ready = ready});
  }
  read_all(std::move(items), options, std::move(target), progress);
}

std::vector<DeviceMemory> read_to_device(std::span<const PrefetchItem> items, const DeviceAllocator& allocate,
                                         const DeviceOptions& options, const Progress& progress) {
  DeviceAllocator given = allocate;
  return read_all({items.begin(), items.end()}, options,
                  {.context = device::context_of(options.device), .allocate = std::move(check_given(given))}, progress);
}

DevicePrefetch::DevicePrefetch(std::vector<PrefetchItem> items, DeviceAllocator allocate, const DeviceOptions& options,
                               std::uint64_t memory_limit)
    : state_(std::make_unique<PrefetchState>(
          std::move(items), options_of(options, memory_limit),
          DeviceTarget{.context = device::context_of(options.device), .allocate = std::move(check_given(allocate))})) {}

DevicePrefetch::~DevicePrefetch() { PrefetchState::end(std::move(state_)); }

std::optional<OnDevice> DevicePrefetch::next(const Progress& progress) { return on_device(state_->next(progress)); }
std::optional<OnDevice> DevicePrefetch::try_next() { return on_device(state_->try_next()); }
OnDevice DevicePrefetch::take(std::size_t index, const Progress& progress) {
  return on_device(state_->take(index, progress));
}
std::size_t DevicePrefetch::left() const { return state_->left(); }
void DevicePrefetch::close() { state_->close(); }

}  // namespace zt
