#pragma once

#include <functional>
#include <set>
#include <string>

#include "model/catalog.h"

// The tensors of a file that other tensors of the same file are stored as deltas over (spec/delta.md §5).
namespace zt::model {

using Names = std::set<std::string, std::less<>>;

// Throws usage if a tensor that stays is a delta over one that goes.
void check_bases_stay(const Catalog& catalog, const Names& removed);
// The hidden tensors that no tensor needs that users see, when those in `removed` are gone. Takes time in proportion to
// the tensors.
Names unused_bases(const Catalog& catalog, const Names& removed);

}  // namespace zt::model
