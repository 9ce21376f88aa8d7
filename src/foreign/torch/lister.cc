#include "foreign/torch/lister.h"

namespace zt::foreign::torch {

void TensorLister::add(model::Catalog& catalog, std::string_view name, const pickle::Records& records,
                       pickle::Id leaf) {
  if (records.sort(leaf) != pickle::Sort::array) return rows_.add(name, records, leaf, storages_);
  const std::size_t first = catalog.part_rows();
  arrays_.add(catalog, name, records, leaf);
  for (std::size_t i = first; i < catalog.part_rows(); ++i) {  // the pickle is not the file
    const auto row = static_cast<std::uint32_t>(i);
    const model::Recipe recipe = catalog.part(row).recipe;
    if (recipe.file == 0) catalog.set_place(row, 0, base_ + recipe.offset);
  }
}

}  // namespace zt::foreign::torch
