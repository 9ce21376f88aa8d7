#pragma once

#include <memory>
#include <string>

namespace zt {

class Source;

// What tensors can be stored as deltas over (spec/delta.md §5). zt::delta_base() makes one.
struct DeltaBase {
  std::shared_ptr<const Source> source = {};
  std::string id = {};    // as content_id() gives it
  std::string hint = {};  // the name of its file, without a folder: readers look beside the delta; "": they do not
};

}  // namespace zt
