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

// How a root file at `root` names the file that part bytes of another source lie in (`file`: as its recipes count). The
// name is one that a reader finds beside the root, "<stem>-<name>.zt", where the file has such a name. Hashes all of
// the file, where the source does not say what that gives. Throws unsupported for a source that is not on disk.
model::FileRow shard_of(const SourceState& source, std::uint16_t file, const std::filesystem::path& root);

// The files of other models that a root file refers to, each named once in its catalog.
class References {
 public:
  // The number that recipes have for a file of another source.
  std::uint16_t add(const std::shared_ptr<const SourceState>& source, std::uint16_t file,
                    const std::filesystem::path& root, model::Catalog& catalog);

 private:
  std::map<std::pair<const SourceState*, std::uint16_t>, std::uint16_t> numbers_;
  std::vector<std::shared_ptr<const SourceState>> sources_;  // held, so that an address means one source only
};

}  // namespace zt::write
