#pragma once

#include <string_view>

#include "foreign/pickle/leaves.h"
#include "foreign/pickle/owned.h"

namespace zt::foreign::pickle {

// Lists the arrays of NumPy.
class ArrayLister : public Lister {
 public:
  // `owns_all`: the store of the pickle is not the file of the catalog, so all arrays are copied into the catalog.
  explicit ArrayLister(OwnedPayloads& owned ZT_LIFETIME_BOUND, bool owns_all = false)
      : owned_(owned), owns_all_(owns_all) {}
  void add(model::Catalog& catalog, std::string_view name, const Records& records, Id leaf) override;

 private:
  OwnedPayloads& owned_;
  bool owns_all_;
};

}  // namespace zt::foreign::pickle
