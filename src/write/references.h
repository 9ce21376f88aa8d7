#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "model/catalog.h"
#include "source/state.h"

namespace zt::write {

// The row by which a root file at `root` names a file with part bytes of `source` (`file`: the number in its recipes).
// The name is `<name>` if the file is "<stem>-<name>.zt" beside the root, where readers find it. Hashes the whole file
// unless the source's own table has the digest. Throws unsupported for a source that is not on disk.
model::FileRow shard_of(const SourceState& source, std::uint16_t file, const std::filesystem::path& root);

// The files of other models that a root file refers to. The catalog names each of them once.
class References {
 public:
  // The number of a file of another source in the recipes of the root file.
  std::uint16_t add(const std::shared_ptr<const SourceState>& source, std::uint16_t file,
                    const std::filesystem::path& root, model::Catalog& catalog);

 private:
  std::map<std::pair<const SourceState*, std::uint16_t>, std::uint16_t> numbers_;
  std::vector<std::shared_ptr<const SourceState>> sources_;  // held, so that their addresses stay unique
};

}  // namespace zt::write
