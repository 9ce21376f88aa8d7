#pragma once

#include <string>
#include <vector>

#include <sys/stat.h>

#include "io/descriptor.h"
#include "io/target.h"

namespace zt::io {

// The mode to create a file with that is to replace one of mode `replaced`: its owner, who is us for now, may do
// anything, and the others only what both the group and the others may do with the old file, for its group may be
// another.
mode_t guarded_mode(mode_t replaced);

// Gives `file`, which is about to replace the file `existing` of that name, its user attributes, owner, group, access
// list and mode, as far as the system lets us. Nobody may do with it what nobody could do with the old one, at no moment.
// Returns what it could not keep, a line for each. Throws io only where that would let others in.
std::vector<std::string> keep_traits(const Target& target, const struct stat& existing, const Descriptor& file);

}  // namespace zt::io
