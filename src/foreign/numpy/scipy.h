#pragma once

#include <map>
#include <string_view>

#include "foreign/numpy/array.h"

namespace zt::foreign::numpy {

// An array of an archive: the bytes of its member, and what was read of it.
struct Entry {
  const zip::Member* member = nullptr;
  Array array;
};
using Entries = std::map<std::string_view, Entry>;

// Adds the tensor "matrix" if the arrays are those that scipy.sparse.save_npz() writes. The tensor cannot be read if they
// do not fit together, or if its layout is other than CSR and COO. Throws only io and no_memory.
void add_matrix(model::Catalog& catalog, const ByteStore& store, const Entries& entries, const Limits& limits);

}  // namespace zt::foreign::numpy
