#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "base/checked.h"
#include "model/catalog.h"
#include "ztensor/byte_store.h"
#include "ztensor/value.h"

// Laws of all decoders of foreign formats: what they list is found by its name, and lies inside the file or among the
// bytes that the catalog owns. Aborts where a law is broken.
namespace zt::fuzz {

// Every element of a view lies in its blob.
inline void check_view(const model::View& view) {
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

// Which parts must lie inside the file.
enum class Inside { all, readable };

inline void check_part(const model::Catalog& catalog, const model::PartRow& part, std::uint64_t size, Inside inside) {
  const model::Recipe& recipe = part.recipe;
  const bool readable = part.fault == model::kNone;
  const std::uint64_t room = recipe.file == model::kOwnedFile ? catalog.owned().size() : size;
  const bool other = catalog.other_file(recipe) != nullptr;  // its size is known when it is opened
  if (!other && (readable || inside == Inside::all) && !checked::within(recipe.offset, recipe.stored_length, room)) {
    std::abort();
  }
  if (readable && recipe.view != model::kWhole) check_view(catalog.view(recipe.view));
}

// `size`: of the file.
inline void check_catalog(const model::Catalog& catalog, std::uint64_t size, Inside inside = Inside::all) {
  if (!catalog.attributes.empty()) (void)Value::parse(catalog.attributes);
  for (std::uint32_t row = 0; row < catalog.size(); ++row) {
    const model::TensorRow& tensor = catalog.tensor(row);
    if (catalog.find(catalog.text(tensor.name)) != row) std::abort();
    for (const model::PartRow& part : catalog.parts(tensor)) {
      check_part(catalog, part, size, inside);
      if (part.fault != model::kNone) continue;
      const auto elements = checked::elements(catalog.shape(tensor));
      if (!elements) std::abort();
      if (catalog.word(tensor.layout) == "dense" && byte_length(part.dtype, *elements) != part.recipe.decoded_length) {
        std::abort();
      }
    }
  }
}

inline MemoryStore store_of(const std::uint8_t* data, std::size_t size) {
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  return MemoryStore(std::vector<std::byte>(begin, begin + size));
}

// For functions that strange content must not make throw.
template <class F>
void must_not_throw(F&& work) {
  try {
    work();
  } catch (...) {
    std::abort();
  }
}

}  // namespace zt::fuzz
