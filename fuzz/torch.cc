// Runs the whole library over a file of PyTorch in memory. Laws: it throws only zt::Error, and map, read and slices
// agree.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "../tests/support/touch.h"
#include "foreign/torch/torch.h"
#include "ztensor/byte_store.h"
#include "ztensor/error.h"
#include "ztensor/source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto store = std::make_shared<zt::MemoryStore>(std::vector<std::byte>(bytes.begin(), bytes.end()));
  try {
    zt::foreign::torch::sniff(*store, "");
  } catch (...) {
    std::abort();  // strange content must give false
  }
  try {
    zt::test::touch(zt::open(store, "input.pt", {.threads = 1, .limits = zt::test::small_limits()}));
  } catch (const zt::Error&) {
    // refused
  }
  return 0;
}
