#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/file.h"
#include "source/external_files.h"
#include "source/join.h"
#include "source/state.h"
#include "ztensor/error.h"
#include "ztensor/resolver.h"
#include "ztensor/source.h"

namespace zt {
namespace {

// Finds the files of a list again. Their names are their paths.
class AtPaths final : public Resolver {
 public:
  void expect(const std::string& name, std::shared_ptr<const io::File> file) { files_[name] = std::move(file); }
  std::shared_ptr<const ByteStore> find(const ShardIdentity& shard) const override { return files_.at(shard.name); }
  std::filesystem::path place(const ShardIdentity& shard) const override { return shard.name; }

 private:
  std::map<std::string, std::shared_ptr<const io::File>> files_;  // as they were opened
};

}  // namespace

Source open(std::span<const std::filesystem::path> paths, const OpenOptions& options) {
  if (paths.empty()) throw Error(Code::usage, "", "there are no files to open: give at least one path");
  if (paths.size() == 1) return open(paths.front(), options);
  const auto opened_files = std::make_shared<AtPaths>();
  std::vector<std::shared_ptr<const Resolver>> resolvers;  // of the other files of the joined catalog, in order
  source::Join join;
  source::Opened root;
  for (const std::filesystem::path& path : paths) {
    const auto file = io::File::open(path);
    const std::filesystem::path absolute = std::filesystem::absolute(path);
    source::Opened opened{.store = file, .path = absolute, .name = path.string()};
    const model::Catalog catalog = source::decode(opened, options.limits);
    const bool is_root = !root.store;
    join.add(catalog, absolute.string(), file->size(), is_root);
    opened_files->expect(absolute.string(), file);
    if (!is_root) resolvers.push_back(opened_files);
    if (!catalog.files.empty()) {  // what a file names is found as if it was opened alone
      const auto own = options.resolver ? options.resolver : source::resolver_of(opened, catalog);
      resolvers.insert(resolvers.end(), catalog.files.size(), own);
    }
    if (is_root) root = std::move(opened);
  }
  return source::make_source(std::move(root), std::move(join).finish(), options, std::move(resolvers));
}

}  // namespace zt
