// The decoder of ONNX. Laws: it throws only zt::Error, those of every catalog, and that the bytes which the catalog owns
// are in proportion to the file.

#include "foreign/onnx/onnx.h"

#include "catalog_laws.h"
#include "ztensor/error.h"

namespace {

void check(const zt::model::Catalog& catalog, std::uint64_t size) {
  zt::fuzz::check_catalog(catalog, size);
  if (catalog.owned().size() > 16 * size) std::abort();
  for (std::uint32_t row = 0; row < catalog.part_rows(); ++row) {
    const zt::model::Recipe& recipe = catalog.part(row).recipe;
    if (recipe.stored_length != recipe.decoded_length) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const zt::MemoryStore store = zt::fuzz::store_of(data, size);
  zt::fuzz::must_not_throw([&] { zt::foreign::onnx::sniff(store, ""); });
  try {
    check(zt::foreign::onnx::decode(store, {}), size);
  } catch (const zt::Error&) {}
  return 0;
}
