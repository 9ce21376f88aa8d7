#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/checked.h"
#include "write/destination.h"
#include "write/target.h"

namespace zt::write {

// A model in several whole files, and an index that names them (safetensors): "model-00001-of-00003.safetensors" and
// "model.safetensors.index.json" for the path "model.safetensors", or that file alone where one is enough. No file that
// an older index names is overwritten: the new index, which comes last, is what replaces the model.
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
    std::uint64_t bytes = 0;  // of its tensors
  };
  void open();
  void close();
  bool fits(std::uint64_t used, std::uint64_t bound) const {
    return checked::add_up(used, bound) <= form_.options.max_shard_size;
  }
  std::vector<std::string> free_names() const;

  const Form& form_;
  std::filesystem::path path_;
  std::filesystem::path index_path_;
  bool durable_;  // also where a model is replaced: none of it may go before all of the new one lasts
  std::vector<std::byte> attributes_;   // of every shard
  std::deque<model::Catalog> planned_;  // of the shards that are to come
  std::vector<Shard> shards_;
  bool open_ = false;                        // the last of them
  const model::Catalog* catalog_ = nullptr;  // from finish() to publish()
  std::uint64_t index_bytes_ = 0;
};

}  // namespace zt::write
