#include "source/joined_files.h"

#include <utility>

#include "base/utf8.h"
#include "source/access.h"
#include "source/external_files.h"
#include "ztensor/error.h"
#include "ztensor/paths.h"

namespace zt::source {
namespace {

// The name for the array of an npy file; "": the file has no such array, or a name that is not UTF-8.
std::string name_of_array(const Opened& opened, const model::Catalog& catalog) {
  const bool is_array =
      catalog.format == "npy" && catalog.size() == 1 && catalog.text(catalog.tensor(0).name) == "data";
  if (!is_array || opened.path.empty()) return "";
  std::string stem = utf8_of(opened.path.stem());
  return is_utf8(stem) ? stem : "";
}

}  // namespace

Source among_others(Source source, const OpenOptions& options) {
  const SourceState& state = *Access::state(source);
  if (name_of_array(state, state.catalog).empty()) return source;
  JoinedFiles files(options);
  files.add(state, state.name, nullptr);
  return std::move(files).finish();
}

void JoinedFiles::add(Opened opened, const std::string& name, const std::shared_ptr<const Resolver>& found_by,
                      const std::function<void(model::Catalog&)>& check) {
  model::Catalog catalog = decode(opened, options_.limits);
  if (check) inside(name, [&] { check(catalog); });
  const bool is_root = !root_.store;
  join_.add(catalog, name, opened.store->size(), is_root, name_of_array(opened, catalog));
  if (!is_root) resolvers_.push_back(found_by);
  if (!catalog.files.empty()) {  // what a file names is found as if it was opened alone
    const auto own = options_.resolver ? options_.resolver : resolver_of(opened, catalog);
    resolvers_.insert(resolvers_.end(), catalog.files.size(), own);
  }
  if (is_root) root_ = std::move(opened);
}

}  // namespace zt::source
