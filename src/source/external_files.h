#pragma once

#include <filesystem>
#include <memory>

#include "io/file.h"
#include "model/catalog.h"
#include "source/state.h"
#include "ztensor/resolver.h"

namespace zt::source {

// Where to look for the other files of a file on disk: those of its catalog, which names one at least.
std::shared_ptr<const Resolver> resolver_of(const Opened& opened, const model::Catalog& catalog);

// Finds the raw files that a foreign file names, such as the external data of an ONNX model. They lie in the folder of
// `root` or below it, or in that of a file that `root` leads to as a link. `by`: the identity of the foreign file.
std::shared_ptr<const Resolver> external_files_of(const std::filesystem::path& root, io::Identity by);

// The bytes of raw files: all bytes of those whose size is known, and what parts have in the others. Bytes that several
// parts share count once.
std::uint64_t raw_size(const model::Catalog& catalog);

}  // namespace zt::source
