#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/region.h"
#include "foreign/pickle/globals.h"
#include "ztensor/byte_store.h"

namespace zt::foreign::pickle {

// What one pickle would do if Python loaded it.
struct Trace {
  std::uint64_t offset = 0;  // where it begins in the store. Of one that a text stands for: where the text begins
  std::uint64_t end = 0;     // where the store goes on behind it
  bool is_nested = false;    // it lies in bytes of the pickle before it
  std::vector<Global> globals;
  std::string fault;     // why the stream cannot be followed to its end; "": it can
  bool is_lost = false;  // so Python may load what is not in this list of traces
};

// How sure a caller is that the range holds pickles.
enum class Sure : std::uint8_t {
  yes,  // a broken pickle is a pickle, and none that a trace can follow to its end
  no,   // only a pickle that comes to its end is one, or one that Python loads in part
};

// Follows the pickles that lie one after another from the beginning of the range, and those in bytes of them that are
// loaded along with them. Raw bytes behind the last one are passed over: storages of torch's old files, and bytes that
// no pickle begins with. Empty: the range does not begin with a pickle. Throws only io.
std::vector<Trace> trace_pickles(const ByteStore& store, Region range, Sure sure);

}  // namespace zt::foreign::pickle
