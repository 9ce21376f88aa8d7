#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "write/destination.h"
#include "write/target.h"

namespace zt::write {

// A stored part that lies at one place and belongs at another.
struct Placing {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::uint64_t length = 0;
};

// Gives the parts of a catalog their places, one behind another from `begin` on: the tensors in the order of `rows`,
// their parts in that of roles. `shared`: what lay at one place before is placed once. Pure.
std::vector<Placing> lay_out(model::Catalog& catalog, std::span<const std::uint32_t> rows, std::uint64_t begin,
                             std::uint64_t alignment, bool shared);

// A file whose parts lie in an order that is known at the end alone: a canonical one, or one whose index comes first.
// Parts are stored as they come, and copied into their order, unless that is what they came in.
class OrderedTarget final : public Target {
 public:
  OrderedTarget(std::shared_ptr<Destination> destination, const Form& form);
  StoredPart store(Pieces& pieces, const PartOptions& options, run::Meter& meter) override;
  Planned plan(const model::Catalog& tensors) override;
  void finish(model::Catalog& catalog) override;
  void publish(std::vector<std::string>& notes) override { destination_->publish(notes); }
  void abort() noexcept override;
  std::uint64_t size() const override { return output_->position(); }

 private:
  bool is_index_first() const { return form_.encoder->index == model::Index::first; }

  std::shared_ptr<Destination> destination_;
  const Form& form_;
  std::unique_ptr<Output> output_;  // what is written to: until finish(), parts as they come
  PartLayout parts_;
};

// A file whose index comes first, and whose tensors and their lengths are known beforehand: nothing is stored twice.
class PlannedTarget final : public Target {
 public:
  // `rows`: the tensors of `plan` in the order in which they come. Writes the index. Throws limit for one that readers
  // would not take.
  PlannedTarget(std::shared_ptr<Destination> destination, const Form& form, model::Catalog plan,
                std::vector<std::uint32_t> rows);
  void begin_tensor(std::string_view name, std::uint64_t bound) override;
  StoredPart store(Pieces& pieces, const PartOptions& options, run::Meter& meter) override;
  void end_tensor(const model::Catalog& catalog, std::uint32_t row) override;
  void add_copy(const model::Catalog& catalog, std::uint32_t row, std::string_view name) override;
  void finish(model::Catalog& catalog) override;
  void publish(std::vector<std::string>& notes) override { destination_->publish(notes); }
  void abort() noexcept override { output_->drop(); }
  std::uint64_t size() const override { return output_->position(); }
  void set_attributes(std::vector<std::byte> attributes) override;

 private:
  std::shared_ptr<Destination> destination_;
  model::Catalog plan_;
  std::vector<std::uint32_t> rows_;
  std::size_t next_ = 0;  // of rows_
  std::size_t part_ = 0;  // of that tensor
  std::unique_ptr<Output> output_;
  PartLayout parts_;
};

}  // namespace zt::write
