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
// The same, but from 128 KiB on the memory goes back to the system when it is freed. It is for many buffers that other
// threads free: malloc of glibc 2.36 hardly uses aligned memory again, and grew to ten times what was in use.
Buffer allocate_returned(std::size_t size);

}  // namespace zt::run
