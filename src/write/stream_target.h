#pragma once

#include <memory>

#include "write/destination.h"
#include "write/target.h"

namespace zt::write {

// A file whose index comes last: parts go to any sink, in the order in which they come.
class StreamTarget final : public Target {
 public:
  StreamTarget(std::unique_ptr<Destination> destination, const Form& form);
  StoredPart store(Pieces& pieces, const PartOptions& options, run::Meter& meter) override;
  std::unique_ptr<PartStream> stream(const PartOptions& options, std::optional<std::uint64_t> length,
                                     run::Meter& meter) override;
  void finish(model::Catalog& catalog) override;
  void publish(std::vector<std::string>& notes) override { destination_->publish(notes); }
  void abort() noexcept override { output_->drop(); }
  std::uint64_t size() const override { return output_->position(); }

 private:
  std::unique_ptr<Destination> destination_;
  const Form& form_;
  std::unique_ptr<Output> output_;
  PartLayout parts_;
};

// Writes manifest and footer after the last part. Throws limit for an index that readers would refuse.
void write_ending(Output& output, const Form& form, const model::Catalog& catalog);

}  // namespace zt::write
