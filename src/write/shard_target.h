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

// Files of bytes beside their root, which names them (generation 2): "<stem>-<number>-<digest>.zt". Their names say what
// is in them, so that a save never overwrites what an older root names.
class ShardTarget final : public Target {
 public:
  ShardTarget(const Form& form, const std::filesystem::path& root);
  // All parts of a tensor go to one shard.
  void begin_tensor(std::string_view name, std::uint64_t bound) override;
  StoredPart store(Pieces& pieces, const PartOptions& options, run::Meter& meter) override;
  void end_tensor(const model::Catalog& catalog, std::uint32_t row) override;
  void finish(model::Catalog& catalog) override;           // names the shards in it
  void publish(std::vector<std::string>& notes) override;  // the root last
  void abort() noexcept override;
  std::uint64_t size() const override;

 private:
  struct Shard {
    io::Publication* file;  // owned by `output`
    std::unique_ptr<Output> output;
    std::unique_ptr<PartLayout> parts;
    model::Catalog catalog;  // of a whole shard
    model::FileRow row;
  };
  void open();
  void close();

  const Form& form_;
  std::filesystem::path shards_path_;  // the root, or the file that it leads to where it is a link
  bool durable_;  // also where a root is replaced: its shards may not go before those of the new one last
  StreamTarget root_;
  std::vector<Shard> shards_;
  bool open_ = false;  // the last of them
};

// The target of a model in several files, in the form that the format has for them.
std::unique_ptr<Target> new_shard_target(const Form& form, const std::filesystem::path& path);

// At least five digits, as names of shards have them.
std::string shard_number(std::size_t number);

}  // namespace zt::write
