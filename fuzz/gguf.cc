// The decoder of GGUF. Laws: it throws only zt::Error, all that it lists is inside the file, its attributes are one CBOR
// map, and a file that is written from them has the same attributes.

#include "foreign/gguf/gguf.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "base/checked.h"
#include "ztensor/error.h"
#include "ztensor/value.h"

namespace {

namespace gguf = zt::foreign::gguf;

void check(const zt::model::Catalog& catalog, std::uint64_t size) {
  for (std::uint32_t row = 0; row < catalog.size(); ++row) {
    const zt::model::TensorRow& tensor = catalog.tensor(row);
    if (catalog.find(catalog.text(tensor.name)) != row) std::abort();
    for (const zt::model::PartRow& part : catalog.parts(tensor)) {
      if (part.fault != zt::model::kNone) continue;
      if (!zt::checked::within(part.recipe.offset, part.recipe.stored_length, size)) std::abort();
      const auto elements = zt::checked::elements(catalog.shape(tensor));
      if (!elements) std::abort();
      if (catalog.word(tensor.layout) == "dense" &&
          zt::byte_length(part.dtype, *elements) != part.recipe.decoded_length) {
        std::abort();
      }
    }
  }
}

// Writes a file with the attributes alone, and reads it again.
void check_attributes(const zt::model::Catalog& catalog) {
  const zt::Value given = zt::Value::parse(catalog.attributes);
  if (!given.is_map()) std::abort();
  zt::model::Catalog other;
  other.attributes = catalog.attributes;
  const zt::MemoryStore store(gguf::kEncoder.index_head(other));
  const zt::Value again = zt::Value::parse(gguf::decode(store, {}).attributes);
  for (const auto& [key, value] : *given.members()) {
    if (*key.text() == "ztensor.gguf.byte_order") continue;  // we write little-endian files only
    const zt::Value* found = again.find(*key.text());
    if (found == nullptr || !(*found == value)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  const zt::MemoryStore store(std::vector<std::byte>(begin, begin + size));
  try {
    gguf::sniff(store, "");
  } catch (...) {
    std::abort();  // strange content must give false
  }
  try {
    const zt::model::Catalog catalog = gguf::decode(store, {});
    check(catalog, size);
    check_attributes(catalog);
  } catch (const zt::Error& error) {
    if (error.code() == zt::Code::internal) std::abort();
  }
  return 0;
}
