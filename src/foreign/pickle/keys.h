#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "foreign/pickle/census.h"
#include "foreign/pickle/records.h"

namespace zt::foreign::pickle {

// The text of a key: text of at most 1 MiB, an integer, or bytes in UTF-8. Empty for other keys, which are no names.
std::optional<std::string> key_text(const Records& records, Id key);

// An entry of a dict.
struct Entry {
  Id key;
  Id value;
  std::optional<std::string> text;  // of the key
};

// The entries of a dict as Python has them: where keys are equal (also 1, 1.0 and True), the first key stays, with the last
// value. Calls `lost(entry, value)` before a value takes the place of that of an entry.
using Lost = std::function<void(const Entry&, Id)>;
std::vector<Entry> entries_of(const Records& records, Id dict, Budget& budget, const Lost& lost);

}  // namespace zt::foreign::pickle
