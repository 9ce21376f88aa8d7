#include "write/stream_target.h"

#include "run/parallel.h"

namespace zt::write {

StreamTarget::StreamTarget(std::unique_ptr<Destination> destination, const Form& form)
    : destination_(std::move(destination)),
      form_(form),
      output_(destination_->open()),
      parts_(*output_, form.options.alignment, form.encoder->holds.equal_parts_once && output_->is_file(),
             run::thread_count(form.options.threads)) {
  output_->write(form.encoder->head());
}

StoredPart StreamTarget::store(Pieces& pieces, const PartOptions& options, run::Meter& meter) {
  return parts_.store(pieces, options, meter);
}

std::unique_ptr<PartStream> StreamTarget::stream(const PartOptions& options, std::optional<std::uint64_t> length,
                                                 run::Meter& meter) {
  return parts_.stream(options, length, meter);
}

void StreamTarget::finish(model::Catalog& catalog) {
  write_ending(*output_, form_, catalog);
  output_->flush();
}

void write_ending(Output& output, const Form& form, const model::Catalog& catalog) {
  const model::Encoder& encoder = *form.encoder;
  const std::vector<std::byte> manifest = encoder.manifest(catalog);
  model::check_index_size(manifest.size(), encoder, form.options.limits);
  const std::uint64_t at = output.place(encoder.is_index_aligned() ? form.options.alignment : 1, manifest.size());
  output.write(manifest);
  output.write(encoder.footer(at, manifest));
}

}  // namespace zt::write
