#include "write/references.h"

#include <algorithm>

#include "container/zt2/names.h"
#include "hash/digest.h"
#include "run/progress.h"
#include "source/shards.h"
#include "ztensor/paths.h"

namespace zt::write {
namespace {

// Makes a name for the table of shards from a file's name.
std::string name_for(const std::filesystem::path& path, const std::filesystem::path& root) {
  std::string stem = utf8_of(path.stem());
  const std::string prefix = utf8_of(root.stem()) + "-";
  const bool beside = std::filesystem::absolute(path).parent_path() == std::filesystem::absolute(root).parent_path();
  if (beside && stem.starts_with(prefix) && container::zt2::is_shard_name(stem.substr(prefix.size()))) {
    return stem.substr(prefix.size());
  }
  for (char& c : stem) {
    const char pair[] = {'a', c};
    if (!container::zt2::is_shard_name({pair, 2})) c = '_';
  }
  if (stem.empty() || stem.front() == '.') stem = "shard" + stem;
  return stem.substr(0, 64);
}

}  // namespace

model::FileRow shard_of(const SourceState& source, std::uint16_t file, const std::filesystem::path& root) {
  if (file != 0) return source.catalog.files[file - 1U];
  if (source.path.empty()) throw Error(Code::unsupported, "write.reference", "only files on disk can be referenced");
  const auto folder = [](const std::filesystem::path& path) {
    return std::filesystem::weakly_canonical(std::filesystem::absolute(path)).parent_path();
  };
  if (folder(source.path) != folder(root) || source.path.extension() != ".zt") {
    throw Error(
        Code::unsupported, "write.reference",
        "readers look for referenced files only among the *.zt files beside " + utf8_of(root) + ": put the file there");
  }
  run::Meter nobody;
  return {name_for(source.path, root), source.store->size(),
          hash::format_digest(source::digest_of_store(*source.store, Checksum::xxh3, nobody))};
}

std::uint16_t References::add(const std::shared_ptr<const SourceState>& source, std::uint16_t file,
                              const std::filesystem::path& root, model::Catalog& catalog) {
  const std::pair key(source.get(), file);
  if (const auto known = numbers_.find(key); known != numbers_.end()) return known->second;
  if (sources_.empty() || sources_.back() != source) sources_.push_back(source);
  model::FileRow row = shard_of(*source, file, root);
  const auto same = [&](const model::FileRow& one) { return one.size == row.size && one.digest == row.digest; };
  const auto twin = std::ranges::find_if(catalog.files, same);
  const auto number = static_cast<std::uint16_t>(twin - catalog.files.begin() + 1);
  numbers_.emplace(key, number);
  if (twin != catalog.files.end()) return number;
  const auto taken = [&](const model::FileRow& one) { return one.name == row.name; };
  if (catalog.files.size() == model::kMostFiles)
    throw Error(Code::usage, "", "the references lead to more than 65534 files: merge some of these files");
  const std::string wanted = row.name.substr(0, 58);
  for (std::size_t i = 2; std::ranges::any_of(catalog.files, taken); ++i) row.name = wanted + "." + std::to_string(i);
  catalog.files.push_back(std::move(row));
  return number;
}

}  // namespace zt::write
