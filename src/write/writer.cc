#include "ztensor/writer.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "base/checked.h"
#include "base/count_text.h"
#include "base/utf8.h"
#include "grow/revision.h"
#include "io/descriptor.h"
#include "io/publish.h"
#include "run/parallel.h"
#include "source/access.h"
#include "source/formats.h"
#include "source/hidden.h"
#include "source/state.h"
#include "write/array_pieces.h"
#include "write/attributes.h"
#include "write/delta_part.h"
#include "write/grow_target.h"
#include "write/layouts.h"
#include "write/losses.h"
#include "write/names.h"
#include "write/shard_target.h"
#include "write/writer_state.h"

namespace zt {
namespace {

std::uint64_t elements_of(const Shape& shape) {
  const auto elements = checked::elements(shape);
  if (!elements) throw Error(Code::usage, "", "the shape has more elements than 64 bits count");
  return *elements;
}

// The parts in the order in which they are stored: generation 2 sorts them by role.
std::vector<PartView> in_order(std::span<const PartView> parts, bool by_name) {
  std::vector<PartView> ordered(parts.begin(), parts.end());
  if (by_name) std::ranges::sort(ordered, {}, &PartView::role);
  return ordered;
}

// Files with deltas are not canonical.
WriterOptions with_base(WriterOptions wanted) {
  if (wanted.base.source && !wanted.canonical) wanted.canonical = false;
  return wanted;
}

}  // namespace

Writer::State::State(const std::filesystem::path& target, WriteMode mode, const WriterOptions& wanted) : path(target) {
  write::check_unreserved(wanted.attributes, true);
  if (mode == WriteMode::append && io::identify(target)) {
    auto growing = std::make_unique<grow::Revision>(target, wanted);
    if (wanted.base.source) io::fail_usage(target, "a file that grows has no base: write a new file");
    draft.form = write::form_of_present(wanted, growing->encoder(), growing->alignment());
    const auto present = growing->current().attributes_cbor();
    draft.catalog.attributes.assign(present.begin(), present.end());
    const Value former = growing->current().attributes();
    const Value all = write::merged_attributes(former, wanted.attributes);
    draft.target = std::make_unique<write::GrowTarget>(std::move(growing), draft.form);
    if (all != former) set_file_attributes(draft.form.attributes_of(all, true));
  } else {
    draft.form = write::form_of_new(with_base(wanted), target, mode);
    if (wanted.base.source) check_base(target);
    draft.target = write::new_target(draft.form, target);
    if (!wanted.attributes.is_null() || wanted.base.source) set_own_attributes(wanted.attributes);
  }
}

Writer::State::State(std::unique_ptr<ByteSink> sink, const WriterOptions& wanted) {
  write::check_unreserved(wanted.attributes, true);
  if (wanted.max_shard_size > 0)
    throw Error(Code::usage, "", "a sink cannot have shards: leave max_shard_size out, or write to a path");
  draft.form = write::form_of_new(with_base(wanted), {});
  if (wanted.base.source) write::check_has_deltas(draft.form);
  draft.target = write::new_target(draft.form, std::move(sink));
  if (!wanted.attributes.is_null() || wanted.base.source) set_own_attributes(wanted.attributes);
}

void Writer::State::check_base(const std::filesystem::path& target) const {
  write::check_has_deltas(draft.form);
  const auto file = io::identify(target);
  for (const std::filesystem::path& one : draft.form.options.base.source->paths()) {
    if (file && file == io::identify(one))
      io::fail_usage(target, "the file to write is also the base of the deltas in it");
  }
}

// Attributes of a user, with what names the base.
void Writer::State::set_own_attributes(const Value& attributes) {
  Value all = attributes;
  if (draft.form.options.base.source) {
    const auto [key, text] = write::base_attribute(draft.form.options.base);
    if (all.is_null()) all = Value::map();
    all.set(key, text);
  }
  set_file_attributes(draft.form.attributes_of(all, true));
}

void Writer::State::set_file_attributes(std::vector<std::byte> encoded) {
  draft.target->set_attributes(encoded);
  draft.catalog.attributes = std::move(encoded);
}

// Whether the tensor was added as what changed since its base.
bool Writer::State::add_delta(std::string_view name, const Shape& shape, std::string_view layout,
                              std::span<const PartView> parts, std::span<write::ArrayPieces> pieces,
                              const AddOptions& options) {
  const std::shared_ptr<const Source>& base = draft.form.options.base.source;
  if (!base) throw Error(Code::usage, "", "the writer has no base for a delta: give WriterOptions::base");
  if (layout != "dense" || parts.size() != 1 || pieces[0].length() == 0) return false;
  const DType dtype = parts[0].array.dtype;
  const write::FoundBase found = write::find_base(*base, name, dtype);
  if (!found.tensor) return false;
  const write::MadeDelta made = write::make_delta(found.tensor->part(0), dtype, pieces[0], codec::DeltaMode::delta,
                                                  run::thread_count(draft.form.options.threads), *draft.meter);
  if (!made.is_worth()) return false;
  write::add_delta(draft, name, shape, dtype, options.attributes,
                   {.label = std::string(write::kBaseLabel), .name = std::string(name)}, made.stored, made.length,
                   write::digest_of(made, draft.form));
  end_tensor(name, options.replace);
  return true;
}

void Writer::State::check_new(std::string_view name, bool replace) const {
  draft.check_open();
  write::check_name(name, *draft.form.encoder);
  check_replaced(name, replace);
}

void Writer::State::check_replaced(std::string_view name, bool replace) const {
  const write::Target& target = *draft.target;
  if (replace && !target.grows() && draft.form.mode != WriteMode::append) {
    throw Error(Code::usage, "", "a new file has no tensors to replace: open an existing file in append mode");
  }
  const bool added = draft.catalog.find(name) || target.is_alias(name);
  const bool there = target.has(name);
  if (!added && (!there || replace)) return;
  throw Error(Code::usage, "",
              there ? "a tensor named " + in_quotes(name) + " is in the file already: replace it, or remove it first"
                    : "a tensor named " + in_quotes(name) + " was added already: use another name");
}

void Writer::State::end_tensor(std::string_view name, bool replace) {
  if (!replace || !draft.target->has(name)) return;
  draft.broken = true;  // until the old tensor is gone: the new one is there already
  draft.target->remove(name);
  draft.broken = false;
}

// Refuses a tensor that the format cannot hold. Otherwise names what will be left out of it.
std::vector<std::string> Writer::State::accepted_losses(const Tensor& tensor) const {
  const model::Encoder& encoder = *draft.form.encoder;
  std::vector<write::Loss> all = write::losses_of(tensor, encoder);
  const auto more = write::losses_of_content(tensor, encoder);
  all.insert(all.end(), more.begin(), more.end());
  write::check_losses(all, encoder, draft.form.options.lossy);
  std::vector<std::string> accepted;
  accepted.reserve(all.size());
  for (const write::Loss& loss : all) accepted.push_back(std::string(tensor.name()) + ": " + loss.what);
  return accepted;
}

Writer::Writer(std::shared_ptr<State> state) : state_(std::move(state)) {}
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;
Writer::~Writer() = default;

Writer Writer::create(const std::filesystem::path& path, const WriterOptions& options) {
  return create(path, WriteMode::replace, options);
}

Writer Writer::create(const std::filesystem::path& path, WriteMode mode, const WriterOptions& options) {
  return Writer(std::make_shared<State>(path, mode, options));
}

Writer Writer::to(std::unique_ptr<ByteSink> sink, const WriterOptions& options) {
  return Writer(std::make_shared<State>(std::move(sink), options));
}

void Writer::check_count(const Shape& shape, std::uint64_t elements) {
  const std::uint64_t expected = elements_of(shape);
  if (expected != elements)
    throw Error(Code::usage, "",
                "the shape has " + count_text(expected, "element") + ", but the data has " + std::to_string(elements));
}

void Writer::add(std::string_view name, const ArrayView& array, const AddOptions& options) {
  const PartView data{"data", array};
  add_object(name, array.shape, "dense", {&data, 1}, options);
}

void Writer::add_object(std::string_view name, const Shape& shape, std::string_view layout,
                        std::span<const PartView> parts, const AddOptions& options) {
  State& state = *state_;
  write::Draft& draft = state.draft;
  const write::Form& form = draft.form;
  state.check_new(name, options.replace);
  inside("tensor " + in_quotes(name), [&] {
    const model::Encoder& encoder = *form.encoder;
    const Limits& limits = form.options.limits;
    write::check_role(layout, encoder);
    write::check_unreserved(options.attributes, false);
    if (shape.size() > limits.rank)
      throw Error(Code::usage, "", "the shape has more than " + std::to_string(limits.rank) + " dimensions");
    if (parts.size() > limits.parts)
      throw Error(Code::usage, "", "the tensor has more than " + std::to_string(limits.parts) + " parts");
    if (parts.empty() && encoder.holds.named_roles)
      throw Error(Code::usage, "", "the tensor has no parts: give at least one");
    const write::PartOptions part_options = form.part_options(options);
    const bool implied = write::has_blocks(encoder, layout);  // the file has no place for what the type implies
    const std::vector<std::byte> attributes =
        implied ? options.attributes.encode() : form.attributes_of(options.attributes, false);
    const std::vector<PartView> ordered = in_order(parts, encoder.holds.sorted_parts);
    std::vector<write::ArrayPieces> pieces;
    std::uint64_t bound = 0;
    std::uint64_t texts = name.size() + layout.size() + attributes.size();
    for (const PartView& part : ordered) {
      texts += part.role.size();
      write::check_role(part.role, encoder);
      write::check_part(part, encoder);
      pieces.emplace_back(part.array);  // throws usage for arrays that contradict themselves
      bound = checked::add_up(bound, write::stored_bound(pieces.back().length(), part_options));
    }
    write::check_layout(shape, layout, parts, attributes, encoder);
    if (encoder.holds.checked_profiles) write::check_quantized(shape, layout, parts, options.attributes);

    if (options.delta && state.add_delta(name, shape, layout, ordered, pieces, options)) return;

    bound = checked::add_up(bound, write::shard_overhead(form, ordered.size(), shape.size(), texts));
    draft.begin_tensor(name, shape, bound, layout == "dense" && ordered.size() == 1);
    std::vector<write::StoredPart> stored;
    stored.reserve(pieces.size());
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      stored.push_back(draft.store(pieces[i], ordered[i].array.dtype, part_options));
    }
    draft.catalog.add_tensor(name, shape, layout, attributes);
    for (std::size_t i = 0; i < stored.size(); ++i) draft.add_part(stored[i], ordered[i].role, ordered[i].array.dtype);
    draft.end_tensor();
    state.end_tensor(name, options.replace);
  });
}

void Writer::add_csr(std::string_view name, const Shape& shape, const ArrayView& values, const ArrayView& indices,
                     const ArrayView& indptr, const AddOptions& options) {
  state_->check_new(name, options.replace);
  inside("tensor " + in_quotes(name), [&] {
    write::check_flat("values", values);
    write::check_flat("indices", indices);
    write::check_flat("indptr", indptr);
  });
  const auto wide = [&](const ArrayView& array) {
    return inside("tensor " + in_quotes(name), [&] { return write::widen(array); });
  };
  const auto wide_indices = wide(indices);
  const auto wide_indptr = wide(indptr);
  const PartView parts[] = {
      {"values", values},
      {"indices", array_of(std::span(wide_indices))},
      {"indptr", array_of(std::span(wide_indptr))},
  };
  add_object(name, shape, "sparse_csr", parts, options);
}

void Writer::add_coo(std::string_view name, const Shape& shape, const ArrayView& values, const ArrayView& indices,
                     const AddOptions& options) {
  state_->check_new(name, options.replace);
  const auto wide = inside("tensor " + in_quotes(name), [&] {
    write::check_flat("values", values);
    write::check_coordinates(indices, shape.size(), values.shape[0]);
    return write::widen(indices);
  });
  const PartView parts[] = {{"values", values}, {"coords", array_of(std::span(wide))}};
  add_object(name, shape, "sparse_coo", parts, options);
}

void Writer::add_alias(std::string_view name, std::string_view existing) {
  State& state = *state_;
  write::Draft& draft = state.draft;
  state.check_new(name);
  if (draft.form.canonical) write::check_normal_form(name);
  if (draft.form.encoder->archive != nullptr) {
    throw Error(Code::unsupported, "write.beyond",
                "format " + std::string(draft.form.encoder->title) +
                    " cannot hold two names for the same bytes: add the tensor under both names");
  }
  if (const auto found = draft.catalog.find(existing)) {
    draft.target->add_copy(draft.catalog, *found, name);
    draft.catalog.add_copy(name, *found);
  } else {
    draft.target->add_alias(name, existing);
  }
}

void Writer::add_reference(std::string_view name, const Tensor& tensor) {
  State& state = *state_;
  write::Draft& draft = state.draft;
  state.check_new(name);
  source::check_readable(tensor);
  const model::Encoder& encoder = *draft.form.encoder;
  const bool alone = draft.form.options.max_shard_size == 0 && !draft.target->grows() && !state.path.empty();
  if (encoder.holds.shards != model::ShardForm::rooted || draft.form.canonical || !alone) {
    throw Error(Code::usage, "",
                "this file cannot have references: write a new file of format 2 on disk, with canonical off and "
                "without max_shard_size");
  }
  const SourceState& from = *Access::state(tensor);
  const std::uint32_t row = Access::row(tensor);
  if (from.catalog.format != encoder.format) {
    throw Error(Code::unsupported, "write.reference",
                "the tensor is in a file of another format: only tensors in files of format 2 can be referenced");
  }
  source::located(from, row, nullptr, [&] {
    const std::span<const model::PartRow> parts = from.catalog.parts(from.catalog.tensor(row));
    std::vector<write::StoredPart> stored;
    for (const model::PartRow& part : parts) {
      if (part.recipe.coding.is_delta()) {
        throw Error(Code::unsupported, "write.reference",
                    "the tensor is stored as what changed since another one, which the new file cannot name: add it "
                    "whole");
      }
      stored.push_back({part.recipe, std::string(from.catalog.text(part.digest))});
      stored.back().recipe.file =
          state.references.add(Access::state(tensor), part.recipe.file, state.path, draft.catalog);
    }
    draft.broken = true;  // until the tensor has all of its parts
    draft.catalog.add_tensor(name, tensor.shape(), tensor.layout(), tensor.attributes_cbor());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      draft.add_part(stored[i], from.catalog.word(parts[i].role), parts[i].dtype);
    }
    draft.broken = false;
  });
}

void Writer::add_stored(std::string_view name, const Tensor& tensor, std::optional<Encoding> encoding, bool replace) {
  State& state = *state_;
  write::Draft& draft = state.draft;
  draft.check_open();
  source::check_readable(tensor);
  const auto located = [&](const auto& check) {
    return source::located(*Access::state(tensor), Access::row(tensor), nullptr, check);
  };
  located([&] { write::check_movable(name, *draft.form.encoder, draft.form.canonical); });
  state.check_replaced(name, replace);
  if (encoding) draft.form.part_options({.encoding = encoding});  // throws usage if the form excludes the encoding
  std::vector<std::string> lost = located([&] { return state.accepted_losses(tensor); });
  state.mover.move(name, tensor, encoding);
  state.end_tensor(name, replace);
  std::ranges::move(lost, std::back_inserter(state.losses));  // of a tensor that is in the file now
}

std::vector<std::size_t> Writer::plan(std::span<const Tensor> tensors) {
  write::Draft& draft = state_->draft;
  draft.check_open();
  if (draft.form.encoder->order == nullptr) {
    std::vector<std::size_t> order(tensors.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    return order;
  }
  if (draft.catalog.size() > 0)
    throw Error(Code::usage, "", "plan() was called after a tensor was added: call it first");
  model::Catalog catalog;
  catalog.attributes = draft.catalog.attributes;
  for (const Tensor& tensor : tensors) {
    source::check_readable(tensor);
    source::located(*Access::state(tensor), Access::row(tensor), nullptr, [&] {
      const model::Encoder& encoder = *draft.form.encoder;
      write::check_losses(write::losses_of(tensor, encoder), encoder, draft.form.options.lossy);
      write::plan_tensor(tensor, encoder, catalog);
    });
  }
  draft.broken = true;  // until one target is complete: making a new one may take the sink from this one
  write::Target::Planned planned = draft.target->plan(catalog);
  if (planned.target) draft.target = std::move(planned.target);
  draft.broken = false;
  return {planned.order.begin(), planned.order.end()};
}

void Writer::remove(std::string_view name) {
  State& state = *state_;
  state.draft.check_open();
  if (state.draft.target->grows() && state.draft.catalog.find(name)) {
    throw Error(Code::usage, "",
                "tensor " + in_quotes(name) +
                    " was added by this writer: only tensors that the file had before can be removed");
  }
  state.draft.target->remove(name);
}

void Writer::set_tensor_attributes(std::string_view name, const Value& attributes) {
  write::Draft& draft = state_->draft;
  draft.check_open();
  write::check_unreserved(attributes, false);
  draft.target->set_tensor_attributes(name, attributes);
}

void Writer::set_attributes(const Value& attributes) {
  write::Draft& draft = state_->draft;
  draft.check_open();
  write::check_unreserved(attributes, true);
  if (draft.target->grows()) {
    state_->set_file_attributes(draft.form.attributes_of(attributes, true));
  } else {
    state_->set_own_attributes(attributes);
  }
}

Value Writer::attributes() const {
  const write::Draft& draft = state_->draft;
  const auto& cbor = draft.catalog.attributes;
  return cbor.empty() ? Value() : source::without_bases(Value::parse(cbor, draft.form.options.limits.depth));
}

bool Writer::grows() const { return state_->draft.target->grows(); }

bool Writer::has(std::string_view name) const {
  const write::Draft& draft = state_->draft;
  draft.check_open();
  return draft.catalog.find(name) || draft.target->has(name) || draft.target->is_alias(name);
}

std::uint64_t Writer::reclaimable() const { return state_->draft.target->reclaimable(); }

std::string_view Writer::format() const { return state_->draft.form.encoder->format; }

void Writer::set_progress(Progress progress, std::uint64_t total) {
  if (!state_->draft.streamed.empty()) state_->draft.check_open();  // the stream counts into the present meter
  state_->draft.meter = std::make_unique<run::Meter>(std::move(progress), total);
}

std::uint64_t Writer::bytes_written() const { return state_->draft.target->size(); }

const std::vector<std::string>& Writer::losses() const { return state_->losses; }
const std::vector<std::string>& Writer::notes() const { return state_->notes; }

void Writer::finalize() {
  write::Draft& draft = state_->draft;
  draft.check_open();
  draft.broken = true;  // until the end is written
  draft.target->finish(draft.catalog);
  draft.broken = false;
  draft.open = false;
  draft.target->publish(state_->notes);
}

void Writer::abort() noexcept {
  if (!state_) return;
  state_->draft.open = false;
  state_->draft.target->abort();
}

}  // namespace zt
