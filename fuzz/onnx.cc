// The decoder of ONNX. Laws: it throws only zt::Error; all that it lists is inside the file or among the bytes that the
// catalog owns, which are in proportion to the file.

#include "foreign/onnx/onnx.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "base/checked.h"
#include "ztensor/error.h"

namespace {

void check_part(const zt::model::Catalog& catalog, const zt::model::PartRow& part, std::uint64_t size) {
  const zt::model::Recipe& recipe = part.recipe;
  const bool other = catalog.other_file(recipe) != nullptr;
  const std::uint64_t end = recipe.file == zt::model::kOwnedFile ? catalog.owned().size() : size;
  if (!other && !zt::checked::within(recipe.offset, recipe.stored_length, end)) std::abort();
  if (recipe.stored_length != recipe.decoded_length) std::abort();
}

void check(const zt::model::Catalog& catalog, std::uint64_t size) {
  if (catalog.owned().size() > 16 * size) std::abort();
  for (std::uint32_t row = 0; row < catalog.size(); ++row) {
    const zt::model::TensorRow& tensor = catalog.tensor(row);
    if (catalog.find(catalog.text(tensor.name)) != row) std::abort();
    for (const zt::model::PartRow& part : catalog.parts(tensor)) {
      check_part(catalog, part, size);
      if (part.fault != zt::model::kNone || catalog.word(tensor.layout) != "dense") continue;
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
    zt::foreign::onnx::sniff(store, "");
  } catch (...) {
    std::abort();  // strange content must give false
  }
  try {
    check(zt::foreign::onnx::decode(store, {}), size);
  } catch (const zt::Error&) {}
  return 0;
}
