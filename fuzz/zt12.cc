// Runs the whole library over a .zt file in memory. Laws: it throws only zt::Error, and map, read and slices agree.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "../tests/support/touch.h"
#include "ztensor/byte_store.h"
#include "ztensor/error.h"
#include "ztensor/source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  auto store = std::make_shared<zt::MemoryStore>(std::vector<std::byte>(begin, begin + size));
  try {
    zt::test::touch(zt::open(std::move(store), "input.zt", {.threads = 1, .limits = zt::test::small_limits()}));
  } catch (const zt::Error&) {
    // refused
  }
  return 0;
}
