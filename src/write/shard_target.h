#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "io/publish.h"
#include "write/output.h"
#include "write/stream_target.h"
#include "write/target.h"

namespace zt::write {

// Shards that hold only bytes, and their root, which names them (generation 2): "<stem>-<number>-<digest>.zt". The
// names contain the digest, so a save never overwrites a shard of an older root.
class ShardTarget final : public Target {
 public:
  ShardTarget(const Form& form, const std::filesystem::path& root);
  // All parts of a tensor go to one shard.
  void begin_tensor(std::string_view name, std::uint64_t bound) override;
  StoredPart store(Pieces& pieces, const PartOptions& options, run::Meter& meter) override;
  void end_tensor(const model::Catalog& catalog, std::uint32_t row) override;
  void finish(model::Catalog& catalog) override;           // names the shards in `catalog`
  void publish(std::vector<std::string>& notes) override;  // publishes the root last
  void abort() noexcept override;
  std::uint64_t size() const override;

 private:
  struct Shard {
    io::Publication* file;  // owned by `output`
    std::unique_ptr<Output> output;
    std::unique_ptr<PartLayout> parts;
    model::Catalog catalog;      // only for a whole shard
    std::uint64_t manifest = 0;  // of the whole shard, at most
    model::FileRow row;
  };
  void open();
  void close();

  const Form& form_;
  std::filesystem::path shards_path_;  // the root; if it is a link, the file that it leads to
  bool durable_;  // also if it replaces a root: the shards must be on disk before the new root replaces the old one
  StreamTarget root_;
  std::vector<Shard> shards_;
  bool open_ = false;  // whether the last shard is open
};

// The target of a model in several files, in the form of shards that the format has.
std::unique_ptr<Target> new_shard_target(const Form& form, const std::filesystem::path& path);

// What a tensor takes in a shard of generation 2 at most, besides the bytes of its parts: the gaps between them, and its
// entry in the manifest of a whole shard. 0 if there are no such shards. `texts`: the bytes of its name, layout, roles and
// attributes.
std::uint64_t shard_overhead(const Form& form, std::size_t parts, std::size_t rank, std::uint64_t texts);

// At least five digits, as in the names of shards.
std::string shard_number(std::size_t number);

}  // namespace zt::write
