#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "base/utf8.h"
#include "container/zt2/names.h"
#include "hash/digest.h"
#include "io/file.h"
#include "io/target.h"
#include "run/per_process.h"
#include "run/progress.h"
#include "source/shards.h"
#include "ztensor/error.h"
#include "ztensor/paths.h"
#include "ztensor/shards.h"

namespace zt {
namespace {

namespace fs = std::filesystem;

// The file, or null if there is none.
std::shared_ptr<const io::File> open_if_there(const fs::path& path) {
  try {
    return io::File::open(path);
  } catch (const Error& error) {
    if (error.os_error() == ENOENT || error.os_error() == ENOTDIR) return nullptr;
    throw;
  }
}

class Beside final : public Resolver {
 public:
  explicit Beside(const fs::path& root) : folder_(root.parent_path()), stem_(root.stem()) {}
  std::shared_ptr<const ByteStore> find(const ShardIdentity& shard) const override {
    return open_if_there(place(shard));
  }
  fs::path place(const ShardIdentity& shard) const override {
    if (!container::zt2::is_shard_name(shard.name)) {
      throw Error(Code::malformed, "shard.name", in_quotes(shard.name) + " is not a name of a shard");
    }
    fs::path name = stem_;
    name += path_of("-" + shard.name + ".zt");
    return folder_ / name;
  }

 private:
  fs::path folder_;
  fs::path stem_;
};

class ByContent final : public Resolver {
 public:
  explicit ByContent(fs::path folder) : folder_(std::move(folder)) {}
  std::shared_ptr<const ByteStore> find(const ShardIdentity& shard) const override {
    const fs::path path = place(shard);
    return path.empty() ? nullptr : open_if_there(path);
  }
  fs::path place(const ShardIdentity& shard) const override {
    const auto digest = hash::parse_decoded_digest(shard.digest);
    if (!digest || digest->algorithm == Checksum::none) return {};
    const std::size_t colon = shard.digest.find(':');
    return folder_ / "blobs" / shard.digest.substr(0, colon) / shard.digest.substr(colon + 1);
  }

 private:
  fs::path folder_;
};

class ByIdentity final : public Resolver {
 public:
  explicit ByIdentity(fs::path folder) : folder_(std::move(folder)) {}
  std::shared_ptr<const ByteStore> find(const ShardIdentity& shard) const override {
    const auto digest = hash::parse_decoded_digest(shard.digest);
    if (!digest || digest->algorithm == Checksum::none) return nullptr;
    for (const fs::path& path : candidates(shard.size)) {
      const auto file = matching(path, *digest);
      if (file && file->size() == shard.size) return file;
    }
    return nullptr;
  }

 private:
  std::vector<fs::path> candidates(std::uint64_t size) const {
    std::vector<fs::path> found;
    std::error_code failed;  // a folder that cannot be listed counts as empty
    fs::directory_iterator entries(folder_, failed);
    for (; !failed && entries != fs::directory_iterator(); entries.increment(failed)) {
      std::error_code unreadable;
      if (entries->path().extension() == ".zt" && entries->is_regular_file(unreadable) &&
          entries->file_size(unreadable) == size) {
        found.push_back(entries->path());
      }
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  // Keep a file's hash while the file does not change: other shards may have the same size.
  std::shared_ptr<const io::File> matching(const fs::path& path, const hash::Digest& wanted) const {
    Hashed& hashed = hashed_.here();
    const std::lock_guard lock(hashed.mutex);
    Known& known = hashed.known[{path, wanted.algorithm}];
    if (!known.file || known.file->was_changed()) {
      Known found{.file = open_if_there(path), .digest = {}};
      if (!found.file) return nullptr;
      run::Meter nobody;
      found.digest = source::digest_of_store(*found.file, wanted.algorithm, nobody);
      known = std::move(found);  // both at once: hashing may fail
    }
    return known.digest == wanted ? known.file : nullptr;
  }

  struct Known {
    std::shared_ptr<const io::File> file;
    hash::Digest digest;
  };
  struct Hashed {
    std::mutex mutex;
    std::map<std::pair<fs::path, Checksum>, Known> known;
  };
  fs::path folder_;
  mutable run::PerProcess<Hashed> hashed_;
};

class InOrder final : public Resolver {
 public:
  explicit InOrder(std::vector<std::shared_ptr<const Resolver>> resolvers) : resolvers_(std::move(resolvers)) {}
  std::shared_ptr<const ByteStore> find(const ShardIdentity& shard) const override {
    for (const auto& resolver : resolvers_) {
      if (auto found = resolver->find(shard)) return found;
    }
    return nullptr;
  }
  // The first file that exists; if none does, the first path.
  fs::path place(const ShardIdentity& shard) const override {
    fs::path first;
    for (const auto& resolver : resolvers_) {
      fs::path path = resolver->place(shard);
      std::error_code unknown;
      if (!path.empty() && fs::exists(path, unknown)) return path;
      if (first.empty()) first = std::move(path);
    }
    return first;
  }

 private:
  std::vector<std::shared_ptr<const Resolver>> resolvers_;
};

}  // namespace

std::shared_ptr<const Resolver> shards_beside(const fs::path& root) { return std::make_shared<Beside>(root); }
std::shared_ptr<const Resolver> shards_by_content(const fs::path& folder) {
  return std::make_shared<ByContent>(folder);
}
std::shared_ptr<const Resolver> shards_by_identity(const fs::path& folder) {
  return std::make_shared<ByIdentity>(folder);
}
std::shared_ptr<const Resolver> shards_in_order(std::vector<std::shared_ptr<const Resolver>> resolvers) {
  return std::make_shared<InOrder>(std::move(resolvers));
}
// Tools that download models may link to them from elsewhere, to all files of a model or only to the root. Searching
// folders comes last, because it hashes files.
std::shared_ptr<const Resolver> shards_of(const fs::path& root) {
  const std::vector<fs::path> names = io::names_through_links(root);
  std::vector<std::shared_ptr<const Resolver>> resolvers;
  for (const fs::path& name : names) {
    resolvers.push_back(shards_beside(name));
    resolvers.push_back(shards_by_content(name.parent_path()));
  }
  for (const fs::path& name : names) resolvers.push_back(shards_by_identity(name.parent_path()));
  return shards_in_order(std::move(resolvers));
}

}  // namespace zt
