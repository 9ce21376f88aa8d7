#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/file.h"
#include "source/join.h"
#include "source/state.h"
#include "ztensor/options.h"
#include "ztensor/resolver.h"
#include "ztensor/source.h"

namespace zt::source {

// The source of a file whose tensors are put beside those of other files. An npy file names no tensor, so its array gets
// the name of the file; other sources stay as they are.
Source among_others(Source source, const OpenOptions& options);

// Reads the indexes of several files of one format, one after another, and makes one source of them. Arrays of npy
// files have the names of their files.
class JoinedFiles {
 public:
  explicit JoinedFiles(const OpenOptions& options) : options_(options) {}

  // `name`: of the file in the source. `found_by` finds the file again by this name. The first file that is added
  // becomes the root, unless there is one. `check` may look at the catalog and change it. Throws what decode() and
  // Join::add() throw.
  void add(Opened opened, const std::string& name, const std::shared_ptr<const Resolver>& found_by,
           const std::function<void(model::Catalog&)>& check = {});
  void set_root(Opened root) { root_ = std::move(root); }
  Join& join() { return join_; }
  Source finish() && {
    return make_source(std::move(root_), std::move(join_).finish(), options_, std::move(resolvers_));
  }

 private:
  const OpenOptions& options_;
  Opened root_;
  std::vector<std::shared_ptr<const Resolver>> resolvers_;  // of the other files of the joined catalog, in order
  Join join_;
};

}  // namespace zt::source
