#pragma once

#include <vector>

#include "ztensor/verify.h"

namespace zt::tools {

// What keeps a file from the canonical form of generation 2, by the rules "canonical.*". An empty result means that the
// file is canonical. Reads the metadata, the gaps between parts, and parts that look the same; it does not verify
// contents and digests: check() does. Throws io, cancelled.
std::vector<Finding> find_uncanonical(const Source& source, const Progress& progress);

}  // namespace zt::tools
