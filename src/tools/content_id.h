#pragma once

#include <string>

#include "model/catalog.h"
#include "ztensor/digest.h"

namespace zt::tools {

// The content digest of generation 2 for a catalog. See content_digest() of a Source.
std::string content_digest(const model::Catalog& catalog, Checksum algorithm);

}  // namespace zt::tools
