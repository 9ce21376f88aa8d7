// The pickle machine, the decoder and the trace. Laws: they throw only zt::Error, and those of every catalog.

#include "foreign/pickle/pickle.h"

#include "catalog_laws.h"
#include "foreign/pickle/trace.h"
#include "ztensor/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const zt::MemoryStore store = zt::fuzz::store_of(data, size);
  zt::fuzz::must_not_throw([&] {
    zt::foreign::pickle::sniff(store, "a.pkl");
    zt::foreign::pickle::trace_pickles(store, {0, size}, zt::foreign::pickle::Sure::yes);
  });
  try {
    const zt::model::Catalog catalog = zt::foreign::pickle::decode(store, {});
    zt::fuzz::check_catalog(catalog, size);
    for (std::uint32_t row = 0; row < catalog.part_rows(); ++row) {
      if (catalog.part(row).fault != zt::model::kNone) std::abort();  // faults are of tensors
    }
  } catch (const zt::Error&) {}
  return 0;
}
