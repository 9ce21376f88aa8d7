#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "foreign/pickle/leaves.h"

namespace zt::foreign::pickle {

// Lists the arrays of NumPy.
class ArrayLister : public Lister {
 public:
  // `owns`: the store of the pickle is not the file of the catalog, so all arrays are copied into the catalog.
  explicit ArrayLister(bool owns = false) : owns_(owns) {}
  void add(model::Catalog& catalog, std::string_view name, const Records& records, Id leaf) override;

 private:
  std::uint64_t own(model::Catalog& catalog, const Records& records, const ArrayRecord& array, std::uint64_t length);

  bool owns_;
  std::map<std::uint64_t, std::uint64_t> owned_;  // where payloads lie in the store, and where they were decoded to
};

}  // namespace zt::foreign::pickle
