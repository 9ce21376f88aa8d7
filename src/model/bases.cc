#include "model/bases.h"

#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "ztensor/error.h"

namespace zt::model {
namespace {

// The name of the tensor in the same file that a tensor is a delta over; "" if there is none.
std::string_view base_within(const Catalog& catalog, std::uint32_t row) {
  const TensorRow& tensor = catalog.tensor(row);
  const BaseRow* base = tensor.part_count == 0 ? nullptr : catalog.base(tensor.parts);
  return base == nullptr || !base->label.empty() ? std::string_view() : std::string_view(base->name);
}

}  // namespace

void check_bases_stay(const Catalog& catalog, const Names& removed) {
  for (std::uint32_t row = 0; row < catalog.size() && !removed.empty(); ++row) {
    const std::string_view base = base_within(catalog, row);
    const std::string_view name = catalog.text(catalog.tensor(row).name);
    if (base.empty() || !removed.contains(base) || removed.contains(name)) continue;
    throw Error(Code::usage, "",
                "tensor " + in_quotes(name) + " is stored as what changed since tensor " + in_quotes(base) +
                    ", which is to be removed: remove both, or convert the file first");
  }
}

Names unused_bases(const Catalog& catalog, const Names& removed) {
  std::set<std::uint32_t> used;  // hidden tensors
  std::vector<std::uint32_t> next;
  for (std::uint32_t row = 0; row < catalog.shown(); ++row) {
    if (!removed.contains(catalog.text(catalog.tensor(row).name))) next.push_back(row);
  }
  while (!next.empty()) {
    const std::string_view base = base_within(catalog, next.back());
    next.pop_back();
    const auto row = base.empty() ? std::nullopt : catalog.find(base);
    if (row && *row >= catalog.shown() && used.insert(*row).second) next.push_back(*row);
  }
  Names unused;
  for (auto row = static_cast<std::uint32_t>(catalog.shown()); row < catalog.size(); ++row) {
    if (!used.contains(row)) unused.emplace(catalog.text(catalog.tensor(row).name));
  }
  return unused;
}

}  // namespace zt::model
