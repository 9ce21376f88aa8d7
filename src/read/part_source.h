#pragma once

#include <optional>
#include <string_view>

#include "model/recipe.h"
#include "ztensor/byte_store.h"

namespace zt::read {

// One part and where its bytes are. Store, digest and view are borrowed from the open source.
struct PartSource {
  const ByteStore* store;
  model::Recipe recipe;
  std::string_view digest;               // as the file has it
  std::optional<model::View> view = {};  // where the recipe has one
  bool decoded_digest = false;           // the digest is over decoded bytes, and of the form of generation 2
};

// Whether the elements of a view lie one behind the other, as a range of its blob.
bool is_range(const model::View& view);

}  // namespace zt::read
