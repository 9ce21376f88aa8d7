#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "ztensor/macros.h"

namespace zt {

// Memory for the elements of tensors, together with what keeps it alive. Not initialised.
struct Memory {
  std::shared_ptr<void> owner;
  std::span<std::byte> bytes;
};
// Allocates `size` bytes that begin at a multiple of 64. From 8 MiB on it asks for huge pages, which are quicker to
// fill. Throws no_memory.
[[nodiscard]] ZT_API Memory allocate(std::size_t size);

}  // namespace zt
