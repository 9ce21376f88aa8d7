#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "grow/revision.h"
#include "write/target.h"

namespace zt::write {

// An existing file that grows in place. New parts are written at once, but readers see the old version until publish().
class GrowTarget final : public Target {
 public:
  GrowTarget(std::unique_ptr<grow::Revision> growing, const Form& form);
  StoredPart store(Pieces& pieces, const PartOptions& options, run::Meter& meter) override;
  std::unique_ptr<PartStream> stream(const PartOptions& options, std::optional<std::uint64_t> length,
                                     run::Meter& meter) override;
  void finish(model::Catalog& catalog) override;
  void publish(std::vector<std::string>& notes) override;
  void abort() noexcept override;
  std::uint64_t size() const override { return committed_ ? committed_->size : output_->position(); }
  std::uint64_t reclaimable() const override { return committed_ ? committed_->reclaimable : 0; }

  bool grows() const override { return true; }
  bool has(std::string_view name) const override;
  bool is_alias(std::string_view name) const override;
  void add_alias(std::string_view name, std::string_view existing) override;
  void remove(std::string_view name) override;
  // Gives a tensor of the file a name that users do not see: it is a base of deltas from now on. Then remove() takes its
  // old name away. Throws not_found, and usage if the file has a tensor of the new name.
  void hide(std::string_view name, std::string_view hidden);
  void set_tensor_attributes(std::string_view name, const Value& attributes) override;
  void set_attributes(std::vector<std::byte> attributes) override;

 private:
  std::unique_ptr<grow::Revision> growing_;
  const Form& form_;
  std::unique_ptr<Output> output_;
  PartLayout parts_;
  const model::Catalog* added_ = nullptr;  // from finish() to publish()
  std::optional<grow::Committed> committed_;
};

}  // namespace zt::write
