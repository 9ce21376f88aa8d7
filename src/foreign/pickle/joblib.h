#pragma once

#include <cstdint>

#include "base/region.h"
#include "foreign/pickle/graph.h"
#include "ztensor/byte_store.h"

namespace zt::foreign::pickle {

// Whether a class is one of joblib's, for which joblib.load() reads an array behind BUILD. In whatever package joblib is.
bool is_joblib_wrapper(const Global& global);

// How many bytes of `rest` joblib.load() takes for an array behind the BUILD of a call: for Machine::after_build(). An
// array of objects is a pickle of its own, which fills `objects`. Throws unsupported if joblib could see that otherwise
// than we do; io.
std::uint64_t joblib_bytes(const ByteStore& store, const Graph& graph, Id call, Region rest, Graph& objects);

}  // namespace zt::foreign::pickle
