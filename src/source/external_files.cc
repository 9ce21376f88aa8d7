#include "source/external_files.h"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "io/beneath.h"
#include "io/target.h"
#include "ztensor/error.h"
#include "ztensor/paths.h"
#include "ztensor/shards.h"

namespace zt::source {
namespace {

namespace fs = std::filesystem;

class ExternalFiles final : public Resolver {
 public:
  ExternalFiles(const fs::path& root, io::Identity by) : by_(by) {
    for (const fs::path& name : io::names_through_links(root)) folders_.push_back(name.parent_path());
  }

  std::shared_ptr<const ByteStore> find(const ShardIdentity& file) const override {
    for (const fs::path& folder : folders_) {
      try {
        return io::open_beneath(folder, file.name, by_);
      } catch (const Error& error) {
        if (error.os_error() != ENOENT && error.os_error() != ENOTDIR) throw;
      }
    }
    return nullptr;
  }

  fs::path place(const ShardIdentity& file) const override { return folders_.front() / path_of(file.name); }

 private:
  std::vector<fs::path> folders_;
  io::Identity by_;
};

}  // namespace

std::shared_ptr<const Resolver> resolver_of(const Opened& opened, const model::Catalog& catalog) {
  const bool raw = catalog.files.front().kind == model::FileRow::Kind::raw;
  const io::File* file = opened.file();
  if (!raw || file == nullptr) return shards_of(opened.path);
  return external_files_of(opened.path, file->identity());
}

std::uint64_t raw_size(const model::Catalog& catalog) {
  struct Extent {
    std::string_view file;
    std::uint64_t begin;
    std::uint64_t end;
  };
  std::vector<Extent> extents;
  for (const model::FileRow& file : catalog.files) {
    if (file.kind == model::FileRow::Kind::raw) extents.push_back({file.name, 0, file.size});
  }
  for (std::uint32_t i = 0; i < catalog.part_rows(); ++i) {
    const model::Recipe& recipe = catalog.part(i).recipe;
    const model::FileRow* file = catalog.other_file(recipe);
    if (file == nullptr || file->kind != model::FileRow::Kind::raw) continue;
    extents.push_back({file->name, recipe.offset, checked::add_up(recipe.offset, recipe.stored_length)});
  }
  std::ranges::sort(extents, {}, [](const Extent& extent) { return std::pair(extent.file, extent.begin); });
  std::uint64_t sum = 0, counted = 0;  // `counted`: up to where the bytes of this file have been counted
  for (std::size_t i = 0; i < extents.size(); ++i) {
    if (i == 0 || extents[i - 1].file != extents[i].file) counted = 0;
    const std::uint64_t begin = std::max(counted, extents[i].begin);
    if (extents[i].end > begin) sum = checked::add_up(sum, extents[i].end - begin);
    counted = std::max(counted, extents[i].end);
  }
  return sum;
}

std::shared_ptr<const Resolver> external_files_of(const fs::path& root, io::Identity by) {
  return std::make_shared<ExternalFiles>(root, by);
}

}  // namespace zt::source
