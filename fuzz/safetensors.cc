// The decoder of SafeTensors. Laws: it throws only zt::Error, and those of every catalog.

#include "foreign/safetensors.h"

#include "catalog_laws.h"
#include "ztensor/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const zt::MemoryStore store = zt::fuzz::store_of(data, size);
  zt::fuzz::must_not_throw([&] { zt::foreign::safetensors::sniff(store, ""); });
  try {
    zt::fuzz::check_catalog(zt::foreign::safetensors::decode(store, {}), size);
  } catch (const zt::Error&) {}
  return 0;
}
