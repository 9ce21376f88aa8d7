#include "ztensor/delta.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "grow/revision.h"
#include "hash/digest.h"
#include "io/publish.h"
#include "run/parallel.h"
#include "source/access.h"
#include "source/delta_bases.h"
#include "source/hidden.h"
#include "write/delta_part.h"
#include "write/grow_target.h"
#include "write/losses.h"
#include "write/mover.h"
#include "write/names.h"
#include "write/stored_pieces.h"
#include "ztensor/error.h"
#include "ztensor/paths.h"

namespace zt {
namespace {

namespace fs = std::filesystem;

WriterOptions writer_options(const ApplyOptions& options) {
  WriterOptions wanted;
  wanted.durable = options.durable;
  wanted.threads = options.threads;
  wanted.limits = options.limits;
  return wanted;
}

// Whether a tensor of a file is a delta, through any bases in the same file, over one that users see, and that may
// change with this call.
bool is_over_shown(const model::Catalog& catalog, const model::PartRow& part) {
  const model::PartRow* at = &part;
  for (std::size_t level = 0; level <= source::kMostBases; ++level) {
    const model::BaseRow* base = catalog.base(catalog.row_of(*at));
    if (base == nullptr || !base->label.empty()) return false;
    const auto row = catalog.find(base->name);
    if (!row || *row < catalog.shown() || catalog.tensor(*row).part_count != 1) return true;
    at = &catalog.part(catalog.tensor(*row).parts);
  }
  return true;
}

// Whether a tensor is a delta over another file.
bool has_deltas(const model::Catalog& catalog) {
  for (std::uint32_t row = 0; row < catalog.part_rows(); ++row) {
    const model::BaseRow* base = catalog.base(row);
    if (base != nullptr && !base->label.empty()) return true;
  }
  return false;
}

// Grows a file into what a file of deltas over it stands for.
class Apply {
 public:
  Apply(const fs::path& path, const fs::path& delta, const ApplyOptions& options);
  ApplyReport run();

 private:
  enum class Way { stay, copy, encode, whole };
  Way way_of(const Tensor& tensor);
  void add(const Tensor& tensor);
  void add_copy(const Tensor& tensor);
  bool add_encoded(const Tensor& tensor);
  void add_whole(const Tensor& tensor);
  std::string hidden_name(std::string_view name) const;
  const model::PartRow& row_of(const Tensor& tensor) const { return source::row_of(tensor.part(0)); }
  Value attributes_of(const Tensor& tensor) const;

  const ApplyOptions& options_;
  ApplyReport report_;
  write::Draft draft_;
  write::Mover mover_{draft_};
  write::GrowTarget* target_ = nullptr;  // of the draft
  std::optional<Source> present_;
  std::optional<Source> delta_;
  std::optional<run::Meter> meter_;  // of the decoded bytes of the delta
};

Apply::Apply(const fs::path& path, const fs::path& delta, const ApplyOptions& options) : options_(options) {
  const auto target = io::identify(path);
  if (!target) throw Error::system(ENOENT, utf8_of(path), "cannot open");
  if (target == io::identify(delta)) {
    throw Error(Code::usage, "", utf8_of(path) + ": the file to change is also the file of deltas");
  }
  const WriterOptions wanted = writer_options(options);
  auto growing = std::make_unique<grow::Revision>(path, wanted);
  draft_.form = write::form_of_present(wanted, growing->encoder(), growing->alignment());
  write::check_has_deltas(draft_.form);
  const auto attributes = growing->current().attributes_cbor();
  draft_.catalog.attributes.assign(attributes.begin(), attributes.end());
  auto grown = std::make_unique<write::GrowTarget>(std::move(growing), draft_.form);
  target_ = grown.get();
  draft_.target = std::move(grown);
  // The lock of the target is held, so this is its version.
  present_ = open(path, {.threads = options.threads, .limits = options.limits});
  delta_ = open(
      delta,
      {.threads = options.threads, .limits = options.limits, .bases = {std::make_shared<const Source>(*present_)}});
  if (!has_deltas(Access::state(*delta_)->catalog)) {
    throw Error(Code::usage, "", utf8_of(delta) + ": no tensor is stored as what changed since another file");
  }
  report_.bytes_in = present_->stored_size();
  std::uint64_t bytes = 0;
  for (const Tensor tensor : *delta_) bytes += tensor.nbytes().value_or(0);
  meter_.emplace(options.progress, bytes);
}

Value Apply::attributes_of(const Tensor& tensor) const {
  const std::vector<std::byte> own = source::without_delta(tensor.attributes_cbor());
  return own.empty() ? Value() : Value::parse(own, options_.limits.depth);
}

// How a tensor gets into the file. Holds the base against the delta.
Apply::Way Apply::way_of(const Tensor& tensor) {
  source::check_readable(tensor);
  if (tensor.layout() != "dense" || tensor.parts() != 1) return Way::whole;
  const SourceState& state = *Access::state(tensor);
  const model::PartRow& row = row_of(tensor);
  const model::BaseRow* base = state.catalog.base(state.catalog.row_of(row));
  if (base == nullptr || base->label.empty()) return Way::whole;
  if (source::owner_of_base(state, row) != Access::state(*present_)) {
    throw Error(Code::mismatch, "delta.base.check",
                "the delta was made over another file, or another version of it, than the one to change");
  }
  source::check_pieces(state, row, options_.verify);
  if (!base->name.empty() && base->name != tensor.name()) return Way::whole;
  if (row.dtype == DType::boolean) return Way::whole;  // bytes other than 0 and 1 are mended on the way
  const Tensor former = present_->tensor(tensor.name());
  const SourceState& old = *Access::state(former);
  const model::PartRow& data = row_of(former);
  if (is_over_shown(old.catalog, data)) return Way::whole;
  const bool same = source::changes_nothing(state, row) && std::ranges::equal(former.shape(), tensor.shape()) &&
                    attributes_of(former) == attributes_of(tensor);
  if (same) return Way::stay;
  const model::BaseRow* older = old.catalog.base(old.catalog.row_of(data));
  if (older != nullptr && older->label.empty()) return Way::encode;
  return source::levels_of(old, data) < source::kMostBases ? Way::copy : Way::whole;
}

std::string Apply::hidden_name(std::string_view name) const {
  const model::Catalog& catalog = Access::state(*present_)->catalog;
  std::string hidden = std::string(name) + "@base";
  for (unsigned i = 2; catalog.find(hidden) || delta_->find(hidden); ++i) {
    hidden = std::string(name) + "@base" + std::to_string(i);
  }
  return hidden;
}

// The stored bytes of the delta, over what the tensor was.
void Apply::add_copy(const Tensor& tensor) {
  const SourceState& state = *Access::state(tensor);
  const model::PartRow& row = row_of(tensor);
  std::vector<std::byte> stored(static_cast<std::size_t>(row.recipe.stored_length));  // inside the file: it was opened
  const std::string_view stated = state.catalog.text(row.digest);
  const std::string_view digest = hash::parse_decoded_digest(stated) ? stated : std::string_view();
  state.store_of(row.recipe).read_at(row.recipe.offset, stored);
  const std::string hidden = hidden_name(tensor.name());
  write::check_name(hidden, *draft_.form.encoder);
  target_->hide(tensor.name(), hidden);
  target_->remove(tensor.name());
  write::add_delta(draft_, tensor.name(), tensor.shape(), row.dtype, attributes_of(tensor),
                   {.label = "", .name = hidden}, stored, row.recipe.decoded_length, digest);
  ++report_.deltas;
}

// A new delta over the base that the tensor has already. False if it would not be shorter than the tensor.
bool Apply::add_encoded(const Tensor& tensor) {
  const std::shared_ptr<const SourceState>& old = Access::state(*present_);
  const model::PartRow& former = row_of(present_->tensor(tensor.name()));
  const std::string name = old->catalog.base(old->catalog.row_of(former))->name;
  const auto base = old->catalog.find(name);
  if (!base) return false;
  const SourceState& state = *Access::state(tensor);
  const model::PartRow& row = row_of(tensor);
  write::StoredPieces pieces(state.part_source(row, row.recipe));
  const write::MadeDelta made =
      write::make_delta(Access::tensor(old, *base).part(0), row.dtype, pieces, codec::DeltaMode::delta,
                        run::thread_count(options_.threads), *meter_);
  if (!made.is_worth()) return false;
  target_->remove(tensor.name());
  write::add_delta(draft_, tensor.name(), tensor.shape(), row.dtype, attributes_of(tensor), {.label = "", .name = name},
                   made.stored, made.length, write::digest_of(made, draft_.form));
  ++report_.deltas;
  return true;
}

void Apply::add_whole(const Tensor& tensor) {
  const model::Encoder& encoder = *draft_.form.encoder;
  write::check_losses(write::losses_of(tensor, encoder), encoder, false);
  if (present_->find(tensor.name())) target_->remove(tensor.name());
  mover_.move(tensor.name(), tensor, std::nullopt);
  ++report_.whole;
}

void Apply::add(const Tensor& tensor) {
  ++report_.tensors;
  const model::Catalog& catalog = Access::state(*present_)->catalog;
  if (const auto row = catalog.find(tensor.name()); row && *row >= catalog.shown()) {
    throw Error(Code::usage, "",
                "the file to change has a hidden tensor of this name, which others are deltas over: convert the file, "
                "or write the new tensors to another file with -o");
  }
  const Way way = way_of(tensor);
  switch (way) {
    case Way::stay: break;
    case Way::copy: add_copy(tensor); break;
    case Way::encode:
      if (!add_encoded(tensor)) add_whole(tensor);
      break;
    case Way::whole: add_whole(tensor); break;
  }
  if (way != Way::encode) meter_->add(tensor.nbytes().value_or(0));  // encoding counts by itself
}

ApplyReport Apply::run() {
  try {
    for (const Tensor tensor : *delta_) {
      source::located(*Access::state(tensor), Access::row(tensor), nullptr, [&] { add(tensor); });
      meter_->poll();
    }
    for (const Tensor tensor : *present_) {
      if (delta_->find(tensor.name())) continue;
      target_->remove(tensor.name());
      ++report_.removed;
    }
    if (const Value wanted = delta_->attributes(); wanted != present_->attributes()) {
      std::vector<std::byte> encoded = draft_.form.attributes_of(wanted, true);
      target_->set_attributes(encoded);
      draft_.catalog.attributes = std::move(encoded);
    }
    target_->finish(draft_.catalog);
    meter_->finish();  // the last chance to stop
    target_->publish(report_.notes);
  } catch (...) {
    target_->abort();
    throw;
  }
  report_.bytes_out = target_->size();
  return report_;
}

}  // namespace

ApplyReport apply_delta(const fs::path& path, const fs::path& delta, const ApplyOptions& options) {
  return Apply(path, delta, options).run();
}

}  // namespace zt
