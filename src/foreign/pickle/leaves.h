#pragma once

#include <string_view>

#include "foreign/pickle/records.h"
#include "model/catalog.h"

namespace zt::foreign::pickle {

// Makes rows of a catalog from tensors and arrays.
class Lister {
 public:
  virtual ~Lister() = default;
  // Adds the row `name` and its parts for a leaf of Sort array, tensor or sparse. The name is free and valid. If this
  // throws an Error about the leaf, the leaf is listed with that fault: as a row without parts, unless the row is there
  // already.
  virtual void add(model::Catalog& catalog, std::string_view name, const Records& records, Id leaf) = 0;
};

inline constexpr const char* kNoTensors = "the file has no tensors and no arrays";  // a note

// Lists what the value `root` holds. Names are the keys and indices from the root on, joined with dots; a tensor or array
// that is itself the root is named "data". A node that is met again becomes a second name for the same row. Plain values
// become attributes, objects that we do not know become notes. Throws malformed and limit ("pickle.*") for graphs that
// have no tree of a sane size.
void list_leaves(const Records& records, Id root, Lister& lister, model::Catalog& catalog);

}  // namespace zt::foreign::pickle
