#include "foreign/torch/lister.h"

#include <vector>

#include "ztensor/byte_store.h"

namespace zt::foreign::torch {

void TensorLister::add(model::Catalog& catalog, std::string_view name, const pickle::Records& records,
                       pickle::Id leaf) {
  if (records.sort(leaf) != pickle::Sort::array) return rows_.add(name, records, leaf, storages_);
  const std::size_t first = catalog.part_rows();
  arrays_.add(catalog, name, records, leaf);
  for (std::size_t i = first; i < catalog.part_rows(); ++i) {  // the pickle is not the file
    const auto row = static_cast<std::uint32_t>(i);
    const model::Recipe recipe = catalog.part(row).recipe;
    if (recipe.file != 0) continue;
    if (base_) {
      catalog.set_place(row, 0, *base_ + recipe.offset);
      continue;
    }
    std::vector<std::byte> bytes(static_cast<std::size_t>(recipe.stored_length));
    records.store().read_at(recipe.offset, bytes);
    catalog.set_place(row, model::kOwnedFile, catalog.own(bytes));
  }
}

}  // namespace zt::foreign::torch
