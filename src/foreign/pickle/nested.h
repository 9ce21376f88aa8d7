#pragma once

#include <string>
#include <vector>

#include "foreign/pickle/graph.h"
#include "foreign/pickle/records.h"
#include "ztensor/byte_store.h"

namespace zt::foreign::pickle {

// What a pickle loads as more pickles while it is loaded.
struct Nested {
  std::vector<Records::Payload> streams;  // where they stand in bytes and texts of the pickle, each once
  std::string hidden;                     // why some of them are not known; "": all are known
};

// Throws only io.
Nested find_nested(const ByteStore& store, const Graph& graph);

}  // namespace zt::foreign::pickle
