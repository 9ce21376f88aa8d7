#pragma once

#include <vector>

#include "ztensor/verify.h"

namespace zt::tools {

// What keeps a file from being of generation 2's canonical form, rules "canonical.*". An empty result means that the file
// is canonical. Reads the metadata, the gaps between parts, and parts that look the same; whether contents and digests
// are right is for check(). Throws io, cancelled.
std::vector<Finding> find_uncanonical(const Source& source, const Progress& progress);

}  // namespace zt::tools
