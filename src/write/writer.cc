#include "ztensor/writer.h"

#include <algorithm>

#include "base/checked.h"
#include "base/utf8.h"
#include "source/formats.h"
#include "source/hidden.h"
#include "write/admission.h"
#include "write/writer_state.h"

namespace zt {
namespace {

std::uint64_t elements_of(const Shape& shape) {
  const auto elements = checked::elements(shape);
  if (!elements) throw Error(Code::usage, "", "the shape has more elements than 64 bits count");
  return *elements;
}

// The parts of an object in the order they are stored in: generation 2 lays them out by name.
std::vector<PartView> in_order(std::span<const PartView> parts, bool by_name) {
  std::vector<PartView> ordered(parts.begin(), parts.end());
  if (by_name) std::ranges::sort(ordered, {}, &PartView::role);
  return ordered;
}

}  // namespace

void Writer::State::check_open() const {
  if (!made_by.is_this_process()) {
    throw Error(Code::usage, "",
                "the writer belongs to the process that made it, and this is a child of that: make another one here");
  }
  if (!open) throw Error(Code::usage, "", "the writer is closed");
  if (broken) throw Error(Code::usage, "", "an earlier write failed: the file cannot be finished");
}

bool Writer::State::is_taken(std::string_view name) const {
  return catalog.find(name) || (growing && (growing->has(name) || growing->edit().aliases.contains(name)));
}

void Writer::State::check_new(std::string_view name, bool replace) const {
  check_open();
  write::check_name(name);
  if (replace && !growing) throw Error(Code::usage, "", "only a file that grows (append) has tensors to replace");
  if (replace && growing->has(name) && !catalog.find(name)) return;
  if (is_taken(name)) {
    const bool there = growing && growing->has(name);
    throw Error(Code::usage, "",
                there ? "a tensor named " + in_quotes(name) + " is in the file already: replace it, or remove it first"
                      : "a tensor named " + in_quotes(name) + " was added already");
  }
}

Writer::Writer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;
Writer::~Writer() = default;

Writer Writer::create(const std::filesystem::path& path, const WriterOptions& options) {
  return Writer(std::make_unique<State>(path, options));
}

Writer Writer::to(std::unique_ptr<ByteSink> sink, const WriterOptions& options) {
  return Writer(std::make_unique<State>(std::move(sink), options));
}

void Writer::check_count(const Shape& shape, std::uint64_t elements) {
  const std::uint64_t expected = elements_of(shape);
  if (expected != elements)
    throw Error(Code::usage, "",
                "the shape has " + std::to_string(expected) + " elements, the data " + std::to_string(elements));
}

void Writer::add(std::string_view name, const ArrayView& array, const AddOptions& options) {
  const PartView data{"data", array};
  add_object(name, array.shape, "dense", {&data, 1}, options);
}

void Writer::add_object(std::string_view name, const Shape& shape, std::string_view layout,
                        std::span<const PartView> parts, const AddOptions& options) {
  State& state = *state_;
  state.check_new(name, options.replace);
  inside("tensor " + in_quotes(name), [&] {
    const model::Holds& holds = state.encoder->holds;
    write::check_role(layout, holds.strict);
    if (shape.size() > state.options.limits.rank)
      throw Error(Code::usage, "", "more than " + std::to_string(state.options.limits.rank) + " dimensions");
    if (parts.size() > state.options.limits.parts)
      throw Error(Code::usage, "", "more than " + std::to_string(state.options.limits.parts) + " parts");
    if (parts.empty() && holds.strict) throw Error(Code::usage, "", "an object of format 2 has parts");
    const write::PartOptions part_options = state.part_options(options);
    const std::vector<std::byte> attributes = state.attributes_of(options.attributes, false);
    const std::vector<PartView> ordered = in_order(parts, holds.strict);
    std::vector<write::ArraySource> sources;
    std::uint64_t bound = 0;
    for (const PartView& part : ordered) {
      write::check_role(part.role, holds.strict);
      write::check_part(part, *state.encoder);
      sources.emplace_back(part.array);  // throws usage for arrays that contradict themselves
      bound = checked::add(bound, write::stored_bound(sources.back().length(), part_options)).value_or(~bound);
    }
    write::check_layout(shape, layout, parts, *state.encoder);
    if (holds.strict) write::check_quantized(shape, layout, parts, options.attributes);

    state.begin_tensor(name, bound);
    std::vector<write::Blob> blobs;
    blobs.reserve(sources.size());
    for (write::ArraySource& source : sources) blobs.push_back(state.store(source, part_options));
    state.catalog.add_tensor(name, shape, layout, attributes);
    for (std::size_t i = 0; i < blobs.size(); ++i) state.add_row(blobs[i], ordered[i].role, ordered[i].array.dtype);
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
  state.check_new(name);
  if (state.canonical) write::check_normal_form(name);
  const auto found = state.catalog.find(existing);
  if (found) {
    state.catalog.add_copy(name, *found);
    state.note_name(name);
  } else if (state.growing && state.growing->has(existing)) {
    state.growing->edit().aliases.emplace(name, existing);
  } else if (state.growing && state.growing->edit().aliases.contains(existing)) {
    state.growing->edit().aliases.emplace(name, state.growing->edit().aliases.find(existing)->second);
  } else {
    throw Error(Code::not_found, "", "no tensor named " + in_quotes(existing) + " was added");
  }
}

void Writer::remove(std::string_view name) {
  State& state = *state_;
  state.check_open();
  if (!state.growing) throw Error(Code::usage, "", "only a file that grows (append) has tensors to remove");
  if (state.catalog.find(name)) throw Error(Code::usage, "", "tensor " + in_quotes(name) + " was added by this writer");
  if (const auto alias = state.growing->edit().aliases.find(name); alias != state.growing->edit().aliases.end()) {
    state.growing->edit().aliases.erase(alias);
    return;
  }
  state.growing->remove(name);
}

void Writer::set_tensor_attributes(std::string_view name, const Value& attributes) {
  State& state = *state_;
  state.check_open();
  if (!state.growing)
    throw Error(Code::usage, "", "give attributes with the tensor: only a file that grows (append) has others");
  if (!state.growing->has(name)) throw Error(Code::not_found, "", "no tensor is named " + in_quotes(name));
  const Value former = source::TensorAccess::attributes(state.growing->current().tensor(name));
  const Value all = source::with_hidden_of(former, attributes);
  state.growing->edit().changed.insert_or_assign(std::string(name), state.attributes_of(all, false));
}

void Writer::set_attributes(const Value& attributes) {
  state_->check_open();
  std::vector<std::byte> encoded = state_->attributes_of(attributes, true);
  if (state_->growing) {
    state_->growing->edit().attributes = std::move(encoded);
  } else {
    state_->catalog.attributes = std::move(encoded);
  }
}

Value Writer::attributes() const {
  const State& state = *state_;
  if (state.growing && !state.growing->edit().attributes) return state.growing->current().attributes();
  const auto& cbor = state.growing ? *state.growing->edit().attributes : state.catalog.attributes;
  return cbor.empty() ? Value() : Value::parse(cbor, state.options.limits.depth);
}

std::string_view Writer::format() const { return state_->encoder->format; }

void Writer::set_progress(Progress progress, std::uint64_t total) {
  state_->meter = std::make_unique<run::Meter>(std::move(progress), total);
}

std::uint64_t Writer::bytes_written() const {
  return state_->size != 0 || !state_->output ? state_->size : state_->output->position();
}

const std::vector<std::string>& Writer::losses() const { return state_->losses; }
const std::vector<std::string>& Writer::notes() const { return state_->notes; }

void Writer::finalize() { state_->finalize(); }

void Writer::abort() noexcept {
  if (!state_) return;
  state_->open = false;
  if (state_->output) state_->output->drop();
  state_->sink.reset();
  state_->shards.reset();
  if (state_->growing) state_->growing->abort();
}

}  // namespace zt
