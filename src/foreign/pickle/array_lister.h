#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "foreign/pickle/leaves.h"

namespace zt::foreign::pickle {

// Lists the arrays of NumPy.
class ArrayLister : public Lister {
 public:
  void add(model::Catalog& catalog, std::string_view name, const Records& records, Id leaf) override;

 private:
  std::uint64_t own(model::Catalog& catalog, const Records& records, const ArrayRecord& array, std::uint64_t length);

  std::map<std::uint64_t, std::uint64_t> owned_;  // where payloads lie in the store, and where they were decoded to
};

}  // namespace zt::foreign::pickle
