// The decoders of npy and npz. Laws: they throw only zt::Error, and all that they list is inside the file.

#include "foreign/numpy/numpy.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "base/checked.h"
#include "ztensor/error.h"

namespace {

using zt::model::Catalog;

// Every element of a view lies in its blob.
void check_view(const zt::model::View& view) {
  std::int64_t low = 0;
  std::int64_t high = 0;
  for (std::size_t i = 0; i < view.shape.size(); ++i) {
    if (view.shape[i] == 0) return;
    const std::int64_t reach = view.strides[i] * static_cast<std::int64_t>(view.shape[i] - 1);
    (reach < 0 ? low : high) += reach;
  }
  if (static_cast<std::int64_t>(view.start) + low < 0) std::abort();
  if (view.start + static_cast<std::uint64_t>(high) + view.element_bytes > view.blob_length) std::abort();
}

void check_part(const Catalog& catalog, const zt::model::PartRow& part, std::uint64_t size) {
  const zt::model::Recipe& recipe = part.recipe;
  const std::uint64_t there = recipe.file == zt::model::kOwnedFile ? catalog.owned().size() : size;
  if (!zt::checked::within(recipe.offset, recipe.stored_length, there)) std::abort();
  if (part.fault == zt::model::kNone && recipe.view != zt::model::kWhole) check_view(catalog.view(recipe.view));
}

void check(const Catalog& catalog, std::uint64_t size) {
  for (std::uint32_t row = 0; row < catalog.size(); ++row) {
    const zt::model::TensorRow& tensor = catalog.tensor(row);
    if (catalog.find(catalog.text(tensor.name)) != row) std::abort();
    const bool dense = catalog.word(tensor.layout) == "dense";
    for (const zt::model::PartRow& part : catalog.parts(tensor)) {
      check_part(catalog, part, size);
      if (part.fault != zt::model::kNone || !dense) continue;
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
    zt::foreign::numpy::sniff_npy(store, "");
    zt::foreign::numpy::sniff_npz(store, "");
  } catch (...) {
    std::abort();  // strange content must give false
  }
  for (const auto decode : {zt::foreign::numpy::decode_npy, zt::foreign::numpy::decode_npz}) {
    try {
      check(decode(store, {}), size);
    } catch (const zt::Error&) {}
  }
  return 0;
}
