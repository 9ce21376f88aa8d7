#pragma once

#include <cstdint>
#include <filesystem>

#include "model/catalog.h"
#include "source/state.h"

namespace zt::write {

// How a root file at `root` names the file that part bytes of another source lie in (`file`: as its recipes count). The
// name is one that a reader finds beside the root, "<stem>-<name>.zt", where the file has such a name. Hashes all of
// the file, where the source does not say what that gives. Throws unsupported for a source that is not on disk.
model::ShardRow shard_of(const SourceState& source, std::uint16_t file, const std::filesystem::path& root);

}  // namespace zt::write
