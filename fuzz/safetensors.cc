// The decoder of SafeTensors. Laws: it throws only zt::Error, and all that it lists is inside the file.

#include "foreign/safetensors.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "base/checked.h"
#include "ztensor/error.h"

namespace {

void check(const zt::model::Catalog& catalog, std::uint64_t size) {
  for (std::uint32_t row = 0; row < catalog.size(); ++row) {
    const zt::model::TensorRow& tensor = catalog.tensor(row);
    if (catalog.find(catalog.text(tensor.name)) != row) std::abort();
    for (const zt::model::PartRow& part : catalog.parts(tensor)) {
      if (!zt::checked::within(part.recipe.offset, part.recipe.stored_length, size)) std::abort();
      if (part.fault != zt::model::kNone) continue;
      const auto elements = zt::checked::elements(catalog.shape(tensor));
      if (!elements || zt::byte_length(part.dtype, *elements) != part.recipe.decoded_length) std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  const zt::MemoryStore store(std::vector<std::byte>(begin, begin + size));
  try {
    zt::foreign::safetensors::sniff(store, "");
  } catch (...) {
    std::abort();  // strange content must give false
  }
  try {
    check(zt::foreign::safetensors::decode(store, {}), size);
  } catch (const zt::Error&) {}
  return 0;
}
