#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/region.h"
#include "foreign/pickle/globals.h"
#include "foreign/pickle/records.h"
#include "ztensor/byte_store.h"

namespace zt::foreign::pickle {

// What Python does with one pickle, whichever of its readers loads it.
struct Reading {
  std::uint64_t end = 0;                  // where the store goes on behind it
  std::vector<Global> globals;            // each module and name once
  std::vector<Records::Payload> streams;  // bytes and texts that are loaded as more pickles
  std::string fault;                      // why it cannot be followed to its end; "": it can
  bool is_lost = false;                   // a reader of Python may go on where we do not
  bool is_torch_magic = false;            // the number that torch's old files begin with
};

// Follows the pickle that begins where the range begins. joblib.load() takes the bytes behind an array's wrapper for
// the array, and all other readers take them for opcodes: both ways are followed. Throws only io.
Reading read_pickle(const ByteStore& store, Region range);

}  // namespace zt::foreign::pickle
