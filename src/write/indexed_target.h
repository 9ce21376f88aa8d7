#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "io/file.h"
#include "write/destination.h"
#include "write/target.h"

namespace zt::write {

// A model in several whole files, and an index that names them (safetensors). For the path "model.safetensors" these
// are "model-00001-of-00003.safetensors" and "model.safetensors.index.json", or only "model.safetensors" if one file is
// enough. No file that an older index names is overwritten: the new index comes last, and replaces the model.
class IndexedTarget final : public Target {
 public:
  IndexedTarget(const Form& form, const std::filesystem::path& path);
  void begin_tensor(std::string_view name, std::uint64_t bound) override;
  StoredPart store(Pieces& pieces, const PartOptions& options, run::Meter& meter) override;
  void end_tensor(const model::Catalog& catalog, std::uint32_t row) override;
  void add_copy(const model::Catalog& catalog, std::uint32_t row, std::string_view name) override;
  Planned plan(const model::Catalog& tensors) override;
  void finish(model::Catalog& catalog) override;
  void publish(std::vector<std::string>& notes) override;
  void abort() noexcept override;
  std::uint64_t size() const override;
  void set_attributes(std::vector<std::byte> attributes) override;

 private:
  struct Shard {
    std::shared_ptr<Destination> destination;
    std::unique_ptr<Target> target;
    model::Catalog catalog;
    std::uint64_t bytes = 0;             // of the decoded parts of its tensors
    std::optional<std::size_t> planned;  // the number of its tensors, if there is a plan
  };
  void open();
  void close();
  bool is_full(std::uint64_t bound) const;  // whether a tensor of `bound` bytes goes to the next shard
  bool fits(std::uint64_t used, std::uint64_t bound) const {
    return checked::add_up(used, bound) <= form_.options.max_shard_size;
  }
  std::string name_of(std::size_t shard, std::size_t attempt) const;
  std::size_t free_attempt() const;
  std::vector<std::string> publish_shards(std::vector<std::string>& notes);
  void take_back() noexcept;
  void remove_replaced(std::vector<std::string>& notes) const;

  const Form& form_;
  std::filesystem::path path_;
  std::filesystem::path index_path_;
  std::optional<io::Identity> replaced_;  // the single file that this model replaces
  bool durable_;  // also if it replaces a model: the old model must not go before the new one is on disk
  std::vector<std::byte> attributes_;   // of every shard
  std::deque<model::Catalog> planned_;  // the catalogs of the shards to come
  bool has_plan_ = false;
  std::vector<Shard> shards_;
  // The shards that have a name, from the first one on; empty if the file has gone at once.
  std::vector<std::pair<std::filesystem::path, std::optional<io::Identity>>> published_;
  bool open_ = false;                        // whether the last shard is open
  const model::Catalog* catalog_ = nullptr;  // from finish() to publish()
  std::uint64_t index_bytes_ = 0;
};

}  // namespace zt::write
