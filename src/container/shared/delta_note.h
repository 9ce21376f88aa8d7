#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/catalog.h"

// What the attribute `zt.delta` of a tensor says (spec/delta.md §5).
namespace zt::container {

inline constexpr std::string_view kDelta = "zt.delta/1";    // an encoding of generation 2, and a format of 1.2
inline constexpr std::string_view kDeltaNote = "zt.delta";  // an attribute of a tensor
inline constexpr std::string_view kDeltaRole = "delta";     // of the component in 1.2

struct DeltaNote {
  bool is_hidden = false;                   // the tensor is only a base
  std::optional<model::BaseRow> base = {};  // empty: the tensor is no delta
  std::string dtype = {};                   // in 1.2: of the tensor
  std::string digest = {};                  // in 1.2: of the decoded bytes; "": not stated
};

// `attributes`: an encoded map, or nothing. Empty if they have no such member. Throws malformed "delta.base".
std::optional<DeltaNote> delta_note(std::span<const std::byte> attributes);

}  // namespace zt::container
