#include <map>
#include <memory>
#include <string>
#include <utility>

#include "io/file.h"
#include "source/joined_files.h"
#include "ztensor/error.h"
#include "ztensor/paths.h"
#include "ztensor/resolver.h"
#include "ztensor/source.h"

namespace zt {
namespace {

// Finds the files of a list again. Their names are their paths.
class AtPaths final : public Resolver {
 public:
  void expect(const std::string& name, std::shared_ptr<const io::File> file) { files_[name] = std::move(file); }
  std::shared_ptr<const ByteStore> find(const ShardIdentity& shard) const override { return files_.at(shard.name); }
  std::filesystem::path place(const ShardIdentity& shard) const override { return path_of(shard.name); }

 private:
  std::map<std::string, std::shared_ptr<const io::File>> files_;  // as they were opened
};

}  // namespace

Source open(std::span<const std::filesystem::path> paths, const OpenOptions& options) {
  if (paths.empty()) throw Error(Code::usage, "", "there are no files to open: give at least one path");
  if (paths.size() == 1) return open(paths.front(), options);
  const auto opened = std::make_shared<AtPaths>();
  source::JoinedFiles files(options);
  for (const std::filesystem::path& path : paths) {
    const std::filesystem::path absolute = std::filesystem::absolute(path);
    const auto file = io::File::open(path);
    opened->expect(utf8_of(absolute), file);
    files.add({.store = file, .path = absolute, .name = utf8_of(path)}, utf8_of(absolute), opened);
  }
  return std::move(files).finish();
}

}  // namespace zt
