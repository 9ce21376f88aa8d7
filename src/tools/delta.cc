#include "ztensor/delta.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "base/utf8.h"
#include "io/publish.h"
#include "io/replaceable.h"
#include "run/parallel.h"
#include "source/access.h"
#include "source/delta_bases.h"
#include "source/hidden.h"
#include "tools/base_notes.h"
#include "write/delta_part.h"
#include "write/losses.h"
#include "write/mover.h"
#include "write/shard_target.h"
#include "write/stored_pieces.h"
#include "ztensor/diff.h"
#include "ztensor/error.h"
#include "ztensor/paths.h"

namespace zt {
namespace {

class DeltaFile {
 public:
  DeltaFile(const Source& base, const Source& next, std::filesystem::path path, const DeltaOptions& options);
  DeltaFileReport run();

 private:
  void check_no_input() const;
  // The tensor to store `tensor` as a delta over, if there is one.
  std::optional<Tensor> base_of(const Tensor& tensor);
  void add(const Tensor& tensor, const Tensor& base);
  std::uint64_t total() const;

  DeltaBase base_;
  Source next_;
  std::filesystem::path path_;
  const DeltaOptions& options_;
  unsigned threads_;
  run::Meter meter_;
  DeltaFileReport report_;
  std::uint64_t too_deep_ = 0;  // tensors whose base is a delta that is too deep to be a base
  write::Draft draft_;
  write::Mover mover_{draft_};
};

std::uint64_t DeltaFile::total() const {
  std::uint64_t sum = 0;
  for (const Tensor tensor : next_) sum += tensor.nbytes().value_or(0);
  return sum;
}

DeltaFile::DeltaFile(const Source& base, const Source& next, std::filesystem::path path, const DeltaOptions& options)
    : base_{.source = std::make_shared<const Source>(base)},
      next_(next),
      path_(std::move(path)),
      options_(options),
      threads_(run::thread_count(options.writer.threads)),
      meter_(options.progress, total()) {
  WriterOptions wanted = options.writer;
  if (!wanted.canonical) wanted.canonical = false;  // what generation 2 would be otherwise
  check_no_input();
  io::check_output(path_, options.overwrite);
  draft_.form = write::form_of_new(wanted, path_, options.overwrite ? WriteMode::replace : WriteMode::create_new);
  write::check_has_deltas(draft_.form);
  base_ = delta_base(base);
  if (!options.hint.empty()) base_.hint = options.hint;
  const auto [key, text] = write::base_attribute(base_);
  report_.base = base_.id;
  draft_.target = write::new_target(draft_.form, path_);
  Value attributes = next.attributes();
  attributes.set(key, text);
  std::vector<std::byte> encoded = draft_.form.attributes_of(attributes, true);
  draft_.target->set_attributes(encoded);
  draft_.catalog.attributes = std::move(encoded);
}

void DeltaFile::check_no_input() const {
  const auto target = io::identify(path_);
  for (const Source* input : {base_.source.get(), &next_}) {
    for (const std::filesystem::path& file : input->paths()) {
      if (target && target == io::identify(file)) {
        throw Error(Code::usage, "", utf8_of(path_) + ": the output is also the input " + utf8_of(file));
      }
    }
  }
}

std::optional<Tensor> DeltaFile::base_of(const Tensor& tensor) {
  if (tensor.layout() != "dense" || tensor.parts() != 1 || tensor.elements() == 0) return std::nullopt;
  write::FoundBase found = write::find_base(*base_.source, tensor.name(), tensor.part(0).dtype());
  too_deep_ += found.too_deep ? 1U : 0U;
  return std::move(found.tensor);
}

void DeltaFile::add(const Tensor& tensor, const Tensor& base) {
  const Part part = tensor.part(0);
  const SourceState& from = *Access::state(part);
  const model::PartRow& row = source::row_of(part);
  const write::MadeDelta made = source::located(from, Access::row(tensor), &row, [&] {
    const read::PartSource bytes = from.part_source(row, from.measured(row));
    std::unique_ptr<write::Pieces> pieces;
    if (part.dtype() == DType::boolean) {
      pieces = std::make_unique<write::BoolPieces>(bytes);
    } else {
      pieces = std::make_unique<write::StoredPieces>(bytes);
    }
    return write::make_delta(base.part(0), part.dtype(), *pieces,
                             options_.patch ? codec::DeltaMode::patch : codec::DeltaMode::delta, threads_, meter_);
  });
  if (!made.is_worth()) return mover_.move(tensor.name(), tensor, std::nullopt);
  ++report_.deltas;
  report_.same += made.differs ? 0U : 1U;
  const std::vector<std::byte> own = source::without_delta(tensor.attributes_cbor());
  const Value attributes = own.empty() ? Value() : Value::parse(own, draft_.form.options.limits.depth);
  write::add_delta(draft_, tensor.name(), tensor.shape(), part.dtype(), attributes,
                   {.label = std::string(write::kBaseLabel), .name = std::string(tensor.name())}, made.stored,
                   made.length, write::digest_of(made, draft_.form));
}

DeltaFileReport DeltaFile::run() {
  bool published = false;
  try {
    for (const Tensor tensor : next_) {
      const model::Encoder& encoder = *draft_.form.encoder;
      source::check_readable(tensor);
      write::check_losses(write::losses_of(tensor, encoder), encoder, options_.writer.lossy);
      ++report_.tensors;
      report_.bytes_in += tensor.nbytes().value_or(0);
      if (const auto base = base_of(tensor)) {
        add(tensor, *base);
      } else {
        mover_.move(tensor.name(), tensor, std::nullopt);
        meter_.add(tensor.nbytes().value_or(0));
      }
      meter_.poll();
    }
    draft_.target->finish(draft_.catalog);
    meter_.finish();  // the last chance to stop
    draft_.target->publish(report_.notes);
    published = true;
    if (too_deep_ > 0) {
      report_.notes.push_back(utf8_of(path_) + ": " + std::to_string(too_deep_) +
                              " tensors are stored whole: their bases are deltas over deltas, as deep as readers go");
    }
    std::ranges::move(tools::base_notes(path_), std::back_inserter(report_.notes));
  } catch (...) {
    if (!published) draft_.target->abort();
    throw;
  }
  report_.bytes_out = draft_.target->size();
  return report_;
}

}  // namespace

DeltaBase delta_base(const Source& base) {
  DeltaBase made{.source = std::make_shared<const Source>(base), .id = content_id(base)};
  const std::vector<std::filesystem::path> files = base.paths();
  if (files.size() == 1) {
    std::error_code none;  // the name behind links: readers follow none
    const std::filesystem::path real = std::filesystem::canonical(files.front(), none);
    made.hint = utf8_of((none ? files.front() : real).filename());
  }
  return made;
}

DeltaFileReport write_delta(const Source& base, const Source& next, const std::filesystem::path& path,
                            const DeltaOptions& options) {
  return DeltaFile(base, next, path, options).run();
}

DeltaFileReport fold_deltas(std::span<const std::filesystem::path> deltas, const std::filesystem::path& path,
                            const DeltaOptions& options, const OpenOptions& open) {
  if (deltas.empty()) throw Error(Code::usage, "", "no files to fold: give files of deltas, from first to last");
  OpenOptions each = open;  // each file is over the one before it, and knows that one alone
  std::optional<Source> base, last;
  for (const std::filesystem::path& delta : deltas) {
    last = zt::open(delta, each);
    if (!base) base = base_of(*last);
    if (!base) throw Error(Code::usage, "", utf8_of(delta) + ": no tensor is a delta over another file");
    each.bases = {std::make_shared<const Source>(*last)};
  }
  return write_delta(*base, *last, path, options);
}

std::optional<Source> base_of(const Source& source) {
  const std::shared_ptr<const SourceState>& state = Access::state(source);
  std::shared_ptr<const SourceState> found;
  for (std::uint32_t row = 0; row < state->catalog.part_rows(); ++row) {
    const model::BaseRow* base = state->catalog.base(row);
    if (base == nullptr || base->label.empty()) continue;
    const auto owner = source::owner_of_base(*state, state->catalog.part(row));
    if (found && found != owner) {
      throw Error(Code::unsupported, "", "the tensors of the file are deltas over several files");
    }
    found = owner;
  }
  if (!found) return std::nullopt;
  return Access::source(found);
}

}  // namespace zt
