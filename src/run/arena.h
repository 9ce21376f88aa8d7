#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace zt::run {

// Uninitialised memory, 64-byte aligned; from 8 MiB on backed by transparent huge pages where the system has them.
// Throws no_memory.
struct Buffer {
  std::shared_ptr<std::byte> owner;
  std::span<std::byte> bytes;
};
Buffer allocate(std::size_t size);

}  // namespace zt::run
