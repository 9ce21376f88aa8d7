#pragma once

#include <optional>
#include <string_view>

#include "model/recipe.h"
#include "ztensor/byte_store.h"

namespace zt::read {

// One part and the place of its bytes. The open source owns store, digest and view.
struct PartSource {
  const ByteStore* store;
  model::Recipe recipe;
  std::string_view digest;               // as the file has it
  std::optional<model::View> view = {};  // set if the recipe has one
  bool decoded_digest = false;           // the digest is over decoded bytes, in the form of generation 2
};

// Whether the elements of a view are a range of the blob, as they are.
bool is_range(const model::View& view);

}  // namespace zt::read
