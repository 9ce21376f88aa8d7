#include "source/repository.h"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "base/count_text.h"
#include "base/utf8.h"
#include "io/file.h"
#include "source/folder.h"
#include "source/joined_files.h"
#include "source/shard_index.h"
#include "source/split_set.h"
#include "source/state.h"
#include "ztensor/paths.h"
#include "ztensor/resolver.h"

namespace zt::source {
namespace {

namespace fs = std::filesystem;

// Finds the files of a model in its folder, as they were when their indexes were read.
class InFolder final : public Resolver {
 public:
  explicit InFolder(fs::path folder) : folder_(std::move(folder)) {}
  void expect(const std::string& name, const io::File& file) { seen_[name] = {file.identity(), file.modified()}; }
  std::shared_ptr<const ByteStore> find(const ShardIdentity& shard) const override {
    std::shared_ptr<const io::File> file = open_in_folder(folder_, shard.name);
    const bool is_same = Seen{file->identity(), file->modified()} == seen_.at(shard.name);
    if (is_same || file->size() != shard.size) return file;  // the caller checks the size
    throw Error(
        Code::mismatch, "index.shard.changed",
        utf8_of(folder_ / path_of(shard.name)) + ": the file is another one than at opening: open the model again");
  }
  fs::path place(const ShardIdentity& shard) const override { return folder_ / path_of(shard.name); }

 private:
  struct Seen {
    io::Identity identity;
    std::int64_t modified = 0;
    friend bool operator==(const Seen&, const Seen&) = default;
  };
  fs::path folder_;
  std::map<std::string, Seen> seen_;
};

// Opens files of one folder, one after another, and joins them.
class Repository {
 public:
  Repository(const fs::path& folder, const OpenOptions& options)
      : folder_(folder), members_(std::make_shared<InFolder>(folder)), files_(options) {}

  // The first file that is added becomes the root, unless an index is. `check` may look at its catalog and change it.
  void add(const std::string& name, const std::function<void(model::Catalog&)>& check = {}) {
    const auto file = open_in_folder(folder_, name);
    members_->expect(name, *file);
    files_.add({.store = file, .path = folder_ / path_of(name), .name = utf8_of(folder_ / path_of(name))}, name,
               members_, check);
  }
  void set_root(Opened root) { files_.set_root(std::move(root)); }
  Join& join() { return files_.join(); }
  Source finish() { return std::move(files_).finish(); }

 private:
  fs::path folder_;
  std::shared_ptr<InFolder> members_;
  JoinedFiles files_;
};

[[noreturn]] void refuse_kind(std::string_view format) {
  throw Error(Code::unsupported, "index.shard.kind",
              "the shard is a file of format " + std::string(format) + ", against its name");
}

// The content of a shard must be of the kind that its name says, and complete by itself.
void check_shard(const std::string& file, const model::Catalog& catalog) {
  const bool fits = file.ends_with(".safetensors") ? catalog.format == "safetensors"
                                                   : catalog.format == "pt" || catalog.format == "pickle";
  if (fits && catalog.files.empty()) return;
  refuse_kind(catalog.format);
}

// Lists tensors that the index names and that no file has.
void add_missing(const ShardIndex& index, model::Catalog& catalog) {
  const std::size_t found = catalog.size();
  std::size_t mapped = 0;
  for (const auto& [tensor, file] : index.tensors) {
    if (catalog.add_tensor(tensor, {}, "dense", {})) {
      catalog.fault_tensor({Code::malformed, "index.tensor.missing",
                            "the index says that file " + in_quotes(file) + " has this tensor, but it does not"});
    } else {
      ++mapped;
    }
  }
  if (mapped < found) {
    catalog.notes.push_back(count_text(found - mapped, "tensor of the shards is", "tensors of the shards are") +
                            " not in the index");
  }
}

// docs/formats/index.md
Source open_index(const fs::path& path, const OpenOptions& options) {
  Opened root{.store = io::File::open(path), .path = fs::absolute(path), .name = utf8_of(path)};
  try {
    const ShardIndex index = read_shard_index(*root.store, utf8_of(path.filename()), options.limits);
    Repository repository(root.path.parent_path(), options);
    repository.set_root(std::move(root));
    for (const std::string& file : index.files) {
      repository.add(file, [&](const model::Catalog& catalog) { check_shard(file, catalog); });
    }
    model::Catalog& catalog = repository.join().catalog();
    if (index.files.empty()) catalog.format = "safetensors";
    add_missing(index, catalog);
    return repository.finish();
  } catch (Error& error) {
    error.enter_file(utf8_of(path));
    throw;
  }
}

// All files of a split model, whichever of them `path` is.
Source open_parts(const fs::path& folder, const PartName& named, const OpenOptions& options) {
  constexpr unsigned kMostParts = 4096;
  if (named.count > kMostParts) {
    throw Error(Code::limit, "index.shards",
                part_name(named, named.number) + ": the model has more than " + std::to_string(kMostParts) + " files");
  }
  Repository repository(folder, options);
  SplitCheck split(named.count, options.limits.depth);
  for (unsigned number = 1; number <= named.count; ++number) {
    repository.add(part_name(named, number), [&](model::Catalog& catalog) { split.check(catalog, number); });
  }
  split.finish();
  return repository.finish();
}

// Removes the shards of .zt files, which are named after the file that is their root.
void drop_shards(const fs::path& folder, std::vector<std::string>& files, const OpenOptions& options) {
  std::set<std::string> shards;
  for (const std::string& root : files) {
    if (!root.ends_with(".zt")) return;
    const std::string prefix = utf8_of(path_of(root).stem()) + "-";
    if (std::ranges::none_of(files, [&](const std::string& file) { return file.starts_with(prefix); })) continue;
    const Opened opened{.store = open_in_folder(folder, root), .path = {}, .name = utf8_of(folder / path_of(root))};
    for (const model::FileRow& shard : decode(opened, options.limits).files) shards.insert(prefix + shard.name + ".zt");
  }
  std::erase_if(files, [&](const std::string& file) { return shards.contains(file); });
}

Source open_folder(const fs::path& folder, const OpenOptions& options) {
  FolderContent content = look_into(folder);
  if (content.files.size() > 1) drop_shards(folder, content.files, options);
  if (!content.index.empty()) return open_index(folder / path_of(content.index), options);
  std::map<std::string, PartName> sets;
  for (const std::string& file : content.files) {
    if (const auto part = parse_part_name(file)) sets.emplace(part->stem, *part);
  }
  const bool one_set = sets.size() == 1 && sets.begin()->second.count == content.files.size();
  if (one_set && sets.begin()->second.suffix == ".gguf")
    return open_parts(fs::absolute(folder), sets.begin()->second, options);
  for (const auto& [stem, set] : sets) {
    for (unsigned number = 1; number <= set.count && number <= content.files.size() + 1; ++number) {
      const std::string name = part_name(set, number);
      if (std::ranges::find(content.files, name) == content.files.end()) {
        throw Error::system(ENOENT, utf8_of(folder / path_of(name)), "this file of the model is missing");
      }
    }
  }
  if (content.files.size() == 1) {
    const std::string& file = content.files.front();
    Source source = open_settled(
        [&] {
          const fs::path path = folder / path_of(file);
          return Opened{.store = open_in_folder(folder, file), .path = fs::absolute(path), .name = utf8_of(path)};
        },
        options);
    if (file.ends_with(".safetensors") && source.format() != "safetensors") refuse_kind(source.format());
    return source;
  }
  Repository repository(fs::absolute(folder), options);
  for (const std::string& file : content.files) repository.add(file);
  return repository.finish();
}

}  // namespace

std::optional<Source> open_repository(const fs::path& path, const OpenOptions& options) {
  std::error_code unknown;
  if (fs::is_directory(path, unknown)) return open_folder(path, options);
  const std::string name = utf8_of(path.filename());
  if (name.ends_with(".index.json")) return open_index(path, options);
  const auto part = parse_part_name(name);
  if (part && part->count > 1 && part->suffix == ".gguf") {
    return open_parts(fs::absolute(path).parent_path(), *part, options);
  }
  return std::nullopt;
}

}  // namespace zt::source
