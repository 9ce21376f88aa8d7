#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "ztensor/macros.h"

namespace zt {

// Memory for the elements of tensors, with what keeps it alive. Not initialised.
struct Memory {
  std::shared_ptr<void> owner;
  std::span<std::byte> bytes;
};
// Begins at a multiple of 64 bytes; from 8 MiB on it lies in huge pages, where the system has them, which are quicker to
// fill. Throws no_memory.
ZT_API Memory allocate(std::size_t size);

}  // namespace zt
