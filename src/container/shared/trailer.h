#pragma once

#include <cstdint>
#include <string_view>

#include "base/region.h"
#include "ztensor/byte_store.h"
#include "ztensor/limits.h"

// Files of generations 0.1 and 1.0: a magic, blobs, an index, and the size of the index as the last eight bytes
// (spec/zt-0.1.md §2, spec/zt-1.0.md §2).
namespace zt::container {

struct TrailerRules {
  const char* size;
  const char* magic;
  const char* bounds;
  const char* limit;  // too many index bytes
};

bool begins_with(const ByteStore& store, std::string_view magic);
// Whether the last eight bytes can be the size of a CBOR map directly before them.
bool ends_in_size_of_map(const ByteStore& store);
// Finds the region of the index. Throws malformed; limit.
Region find_index(const ByteStore& store, std::string_view magic, const Limits& limits, const TrailerRules& rules);

}  // namespace zt::container
