// The decoders of npy and npz. Laws: they throw only zt::Error, and those of every catalog.

#include "foreign/numpy/numpy.h"

#include "catalog_laws.h"
#include "ztensor/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const zt::MemoryStore store = zt::fuzz::store_of(data, size);
  zt::fuzz::must_not_throw([&] {
    zt::foreign::numpy::sniff_npy(store, "");
    zt::foreign::numpy::sniff_npz(store, "");
  });
  for (const auto decode : {zt::foreign::numpy::decode_npy, zt::foreign::numpy::decode_npz}) {
    try {
      zt::fuzz::check_catalog(decode(store, {}), size);
    } catch (const zt::Error&) {}
  }
  return 0;
}
