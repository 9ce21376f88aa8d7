#include "ztensor/memory.h"

#include <utility>

#include "run/arena.h"

namespace zt {

Memory allocate(std::size_t size) {
  run::Buffer memory = run::allocate(size);
  return {.owner = std::move(memory.owner), .bytes = memory.bytes};
}

}  // namespace zt
