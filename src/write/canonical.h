#pragma once

#include <string_view>

#include "model/catalog.h"
#include "run/progress.h"
#include "write/output.h"

// The canonical form of generation 2 (spec/zt-2.md): parts lie in the order of names, each distinct content once.
namespace zt::write {

// Writes the parts of a catalog, which lie in `from` at the places it names, to `to` in canonical order, and gives the
// catalog the new places.
void write_in_order(model::Catalog& catalog, Output& from, Output& to, std::uint64_t alignment);

}  // namespace zt::write
