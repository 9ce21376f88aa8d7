#include "source/external_files.h"

#include <cerrno>
#include <vector>

#include "io/beneath.h"
#include "io/target.h"
#include "ztensor/error.h"
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

  fs::path place(const ShardIdentity& file) const override { return folders_.front() / file.name; }

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

std::shared_ptr<const Resolver> external_files_of(const fs::path& root, io::Identity by) {
  return std::make_shared<ExternalFiles>(root, by);
}

}  // namespace zt::source
