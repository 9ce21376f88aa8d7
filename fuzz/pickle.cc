// The pickle machine, the decoder and the trace. Laws: they throw only zt::Error, and all that the decoder lists is inside
// the file or the memory of the catalog.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "base/checked.h"
#include "foreign/pickle/pickle.h"
#include "foreign/pickle/trace.h"
#include "ztensor/error.h"
#include "ztensor/value.h"

namespace {

void check(const zt::model::Catalog& catalog, std::uint64_t size) {
  if (!catalog.attributes.empty()) (void)zt::Value::parse(catalog.attributes);
  for (std::uint32_t row = 0; row < catalog.size(); ++row) {
    const zt::model::TensorRow& tensor = catalog.tensor(row);
    if (catalog.find(catalog.text(tensor.name)) != row) std::abort();
    for (const zt::model::PartRow& part : catalog.parts(tensor)) {
      const bool is_owned = part.recipe.file == zt::model::kOwnedFile;
      const std::uint64_t room = is_owned ? catalog.owned().size() : size;
      if (!zt::checked::within(part.recipe.offset, part.recipe.stored_length, room)) std::abort();
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
    zt::foreign::pickle::sniff(store, "a.pkl");
    zt::foreign::pickle::trace_pickles(store, {0, size}, zt::foreign::pickle::Sure::yes);
  } catch (...) {
    std::abort();  // strange content is no error for them
  }
  try {
    check(zt::foreign::pickle::decode(store, {}), size);
  } catch (const zt::Error&) {}
  return 0;
}
