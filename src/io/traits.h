#pragma once

#include <string>
#include <vector>

#include "io/descriptor.h"
#include "io/target.h"

namespace zt::io {

// The mode for a new file that will replace a file of mode `replaced`. The owner, who is us for now, may do anything.
// The group of the new file may be another, so group and others get only the rights that both had in the old file.
mode_t guarded_mode(std::uint32_t replaced);

// Before the first byte of `file`, which will replace `existing`: gives it the access list of `existing` on Windows, where
// it has that of its folder until then. Elsewhere guarded_mode() is enough. Throws io if that fails.
void guard_traits(const Target& target, const Descriptor& file);

// Gives `file`, which is about to replace `existing`, the user attributes, owner, group, access list and mode of
// `existing`, as far as the system allows. At no moment has anyone more rights than on the old file. Returns a line for
// each trait that could not be kept. Throws io only if a failure would give others more rights.
std::vector<std::string> keep_traits(const Target& target, const os::Status& existing, const Descriptor& file);

}  // namespace zt::io
