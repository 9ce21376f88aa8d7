#include "source/joined_files.h"

#include <utility>

#include "source/external_files.h"
#include "ztensor/error.h"

namespace zt::source {

void JoinedFiles::add(Opened opened, const std::string& name, const std::shared_ptr<const Resolver>& found_by,
                      const std::function<void(model::Catalog&)>& check) {
  model::Catalog catalog = decode(opened, options_.limits);
  if (check) inside(name, [&] { check(catalog); });
  const bool is_root = !root_.store;
  join_.add(catalog, name, opened.store->size(), is_root);
  if (!is_root) resolvers_.push_back(found_by);
  if (!catalog.files.empty()) {  // what a file names is found as if it was opened alone
    const auto own = options_.resolver ? options_.resolver : resolver_of(opened, catalog);
    resolvers_.insert(resolvers_.end(), catalog.files.size(), own);
  }
  if (is_root) root_ = std::move(opened);
}

}  // namespace zt::source
