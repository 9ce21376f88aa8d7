// Generation 1.0. Law: a decoded manifest encodes to a manifest that decodes to the same. Then runs the whole library.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "../tests/support/touch.h"
#include "container/zt10/zt10.h"
#include "ztensor/byte_store.h"
#include "ztensor/error.h"
#include "ztensor/source.h"

namespace {

namespace zt10 = zt::container::zt10;
using zt::model::Catalog;
using zt::test::agree;

void compare(const Catalog& a, std::uint32_t row_a, const Catalog& b, std::uint32_t row_b) {
  const zt::model::TensorRow& left = a.tensor(row_a);
  const zt::model::TensorRow& right = b.tensor(row_b);
  agree(std::ranges::equal(a.shape(left), b.shape(right)), "shapes");
  agree(a.word(left.layout) == b.word(right.layout), "layouts");
  agree(left.part_count == right.part_count, "part counts");
  for (const zt::model::PartRow& part : a.parts(left)) {
    const auto found = b.find_part(right, a.word(part.role));
    agree(found.has_value(), "roles");
    const zt::model::PartRow& twin = b.part(*found);
    agree(part.recipe.offset == twin.recipe.offset, "offsets");
    agree(part.recipe.stored_length == twin.recipe.stored_length, "stored lengths");
    agree(part.recipe.decoded_length == twin.recipe.decoded_length, "decoded lengths");
    agree(part.recipe.coding == twin.recipe.coding, "codings");
    agree(part.dtype == twin.dtype, "dtypes");
    agree(a.text(part.digest) == b.text(twin.digest), "digests");
  }
}

// The blobs end where the first file ended, so its extents stay valid for a new manifest of any length.
void encode_again(const Catalog& catalog, std::size_t size) {
  for (std::uint32_t row = 0; row < catalog.size(); ++row) {
    if (catalog.tensor(row).fault != zt::model::kNone) return;  // a broken tensor need not be writable
  }
  std::vector<std::byte> file = zt10::kEncoder.head();
  file.resize(size);
  std::vector<std::byte> manifest;
  if (!zt::test::answers([&] { manifest = zt10::kEncoder.manifest(catalog); })) return;  // 1.0 cannot store it
  const std::vector<std::byte> footer = zt10::kEncoder.footer(size, manifest);
  file.insert(file.end(), manifest.begin(), manifest.end());
  file.insert(file.end(), footer.begin(), footer.end());
  Catalog again;
  agree(zt::test::answers([&] { again = zt10::decode(zt::MemoryStore(std::move(file)), {}); }), "it decodes");
  agree(again.size() == catalog.size(), "tensor counts");
  for (std::uint32_t row = 0; row < catalog.size(); ++row) {
    const auto found = again.find(catalog.text(catalog.tensor(row).name));
    agree(found.has_value(), "names");
    compare(catalog, row, again, *found);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  auto store = std::make_shared<zt::MemoryStore>(std::vector<std::byte>(begin, begin + size));
  try {
    const Catalog catalog = zt10::decode(*store, zt::test::small_limits());
    encode_again(catalog, size);
    zt::test::touch(zt::open(std::move(store), "input.zt", {.threads = 1, .limits = zt::test::small_limits()}));
  } catch (const zt::Error&) {
    // refused
  }
  return 0;
}
