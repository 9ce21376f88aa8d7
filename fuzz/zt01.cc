// Generation 0.1. Laws: every view that the decoder makes is inside its blob, and every blob inside the file. Then runs
// the whole library over the file.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "../tests/support/touch.h"
#include "base/checked.h"
#include "container/zt01/zt01.h"
#include "ztensor/byte_store.h"
#include "ztensor/error.h"
#include "ztensor/source.h"

namespace {

using zt::test::agree;

// Checks that every element is inside the decoded bytes of the blob. Sums do not overflow: the decoder has checked each
// factor against the blob.
void check_view(const zt::model::View& view, std::uint64_t decoded_length) {
  std::uint64_t elements = 1;
  std::uint64_t last = view.start;
  for (std::size_t i = 0; i < view.shape.size(); ++i) {
    elements *= view.shape[i];
    last += (view.shape[i] - 1) * static_cast<std::uint64_t>(view.strides[i]);
  }
  agree(elements * view.element_bytes == decoded_length, "a view's elements and the part's length");
  if (elements == 0) return;
  agree(zt::checked::within(last, view.element_bytes, view.blob_length), "a view lies within its blob");
}

void check_parts(const zt::model::Catalog& catalog, std::uint64_t file_size) {
  for (std::uint32_t row = 0; row < catalog.size(); ++row) {
    agree(catalog.find(catalog.text(catalog.tensor(row).name)) == row, "a name that is listed is found");
    for (const zt::model::PartRow& part : catalog.parts(catalog.tensor(row))) {
      const zt::model::Recipe& recipe = part.recipe;
      if (part.fault != zt::model::kNone) continue;
      agree(zt::checked::within(recipe.offset, recipe.stored_length, file_size), "a blob lies within the file");
      const std::uint64_t width = zt::dtype_bits(part.dtype) / 8;
      agree(recipe.swap == 0 || width % recipe.swap == 0, "whole words are turned around");
      if (recipe.view == zt::model::kWhole) continue;
      const zt::model::View view = catalog.view(recipe.view);
      const bool raw = recipe.coding == zt::model::Coding::raw;
      agree(!raw || view.blob_length == recipe.stored_length, "raw bytes are the blob");
      check_view(view, recipe.decoded_length);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  auto store = std::make_shared<zt::MemoryStore>(std::vector<std::byte>(begin, begin + size));
  try {
    check_parts(zt::container::zt01::decode(*store, zt::test::small_limits()), size);
    zt::test::touch(zt::open(std::move(store), "input.zt", {.threads = 1, .limits = zt::test::small_limits()}));
  } catch (const zt::Error&) {
    // refused
  }
  return 0;
}
