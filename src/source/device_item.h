#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "device/context.h"
#include "read/pieces.h"
#include "source/item_reader.h"
#include "source/slice_blocks.h"
#include "ztensor/options.h"
#include "ztensor/prefetch.h"

namespace zt::source {

// Where an item goes: memory of a device.
struct DevicePlace {
  device::Address address = 0;
  std::uint64_t bytes = 0;
  std::shared_ptr<const device::Event> ready = {};  // null, or the moment from which nobody else uses the memory
};

// Reads an item into memory of a device. What it copies is final: decoded, checked, in the order of the elements.
class DeviceReader final : public ItemReader {
 public:
  // Throws as HostReader; usage if the memory does not have the bytes of the item; malformed if the part does not have
  // the bytes of its shape. Ends early if `stopped` becomes true, with cancelled.
  DeviceReader(const PrefetchItem& item, std::optional<Verify> verify, DevicePlace place,
               const std::atomic<bool>& stopped);

  void step(std::size_t step, Hand& hand, unsigned threads, const std::atomic<bool>& stopped) override;
  void finish() override;

 private:
  void send_pieces(std::size_t first, std::size_t last, Hand& hand, const std::atomic<bool>& stopped);

  const PrefetchItem& item_;
  DevicePlace place_;
  std::unique_ptr<read::PieceReader> reader_;  // null for a slice
  std::size_t pieces_in_slot_ = 1;
  std::optional<SliceBlocks> blocks_;  // of a slice; null: the slice is read to the host first
};

// The bytes of device memory that an item needs; 0 for an item that cannot be read.
std::uint64_t device_bytes(const PrefetchItem& item) noexcept;

}  // namespace zt::source
