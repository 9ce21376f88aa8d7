#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "write/destination.h"
#include "write/target.h"

namespace zt::write {

// The place where a part was stored, and the place where it belongs.
struct Placing {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::uint64_t length = 0;
};

// Gives the parts of a catalog their places from `begin` on: tensors in the order of `rows`, their parts sorted by
// role. `shared`: parts that shared one place keep sharing one. Throws usage if 64 bits do not count the bytes. Pure.
std::vector<Placing> lay_out(model::Catalog& catalog, std::span<const std::uint32_t> rows, std::uint64_t begin,
                             std::uint64_t alignment, bool shared);

// A file whose order of parts is known only at the end: a canonical file, or a file whose index comes first. Parts are
// stored as they come, and copied into order at the end if they came in another order.
class OrderedTarget final : public Target {
 public:
  OrderedTarget(std::shared_ptr<Destination> destination, const Form& form);
  StoredPart store(Pieces& pieces, const PartOptions& options, run::Meter& meter) override;
  std::unique_ptr<PartStream> stream(const PartOptions& options, std::optional<std::uint64_t> length,
                                     run::Meter& meter) override;
  Planned plan(const model::Catalog& tensors) override;
  void finish(model::Catalog& catalog) override;
  void publish(std::vector<std::string>& notes) override { destination_->publish(notes); }
  void free_buffers() noexcept override {
    parts_.free_buffers();
    output_->free_buffer();
  }
  void abort() noexcept override;
  std::uint64_t size() const override { return output_->position(); }

 private:
  bool is_index_first() const { return form_.encoder->index == model::Index::first; }

  std::shared_ptr<Destination> destination_;
  const Form& form_;
  std::unique_ptr<Output> output_;  // until finish() its parts are in the order in which they came
  PartLayout parts_;
};

// A file whose index comes first, with tensors and lengths that are known before: each part is written once.
class PlannedTarget final : public Target {
 public:
  // `rows`: the tensors of `plan` in the order in which they will come. Writes the index. Throws limit for an index
  // that readers would refuse.
  PlannedTarget(std::shared_ptr<Destination> destination, const Form& form, model::Catalog plan,
                std::vector<std::uint32_t> rows);
  void begin_tensor(std::string_view name, std::uint64_t bound) override;
  StoredPart store(Pieces& pieces, const PartOptions& options, run::Meter& meter) override;
  void end_tensor(const model::Catalog& catalog, std::uint32_t row) override;
  void add_copy(const model::Catalog& catalog, std::uint32_t row, std::string_view name) override;
  void finish(model::Catalog& catalog) override;
  void publish(std::vector<std::string>& notes) override { destination_->publish(notes); }
  void free_buffers() noexcept override {
    parts_.free_buffers();
    output_->free_buffer();
  }
  void abort() noexcept override { output_->drop(); }
  std::uint64_t size() const override { return output_->position(); }
  void set_attributes(std::vector<std::byte> attributes) override;

 private:
  std::shared_ptr<Destination> destination_;
  model::Catalog plan_;
  std::vector<std::uint32_t> rows_;
  std::size_t next_ = 0;         // index into rows_
  std::size_t part_ = 0;         // the next part of this tensor
  std::uint64_t padded_to_ = 1;  // the file ends at a multiple of this
  std::vector<std::byte> head_;  // made before the destination opens: making it may fail. Empty once it is written
  std::unique_ptr<Output> output_;
  PartLayout parts_;
};

}  // namespace zt::write
