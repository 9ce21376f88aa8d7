#include "write/ordered_target.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "base/count_text.h"
#include "run/parallel.h"
#include "write/stream_target.h"
#include "ztensor/error.h"

namespace zt::write {
namespace {

constexpr std::uint64_t kCopiedBlock = std::uint64_t{4} << 20;

void copy(Output& from, const Placing& part, Output& to, std::vector<std::byte>& buffer) {
  std::uint64_t length = part.length;
  for (std::uint64_t offset = part.from; length > 0; offset += buffer.size(), length -= buffer.size()) {
    buffer.resize(static_cast<std::size_t>(std::min(length, kCopiedBlock)));
    from.read_back(offset, buffer);
    to.write(buffer);
  }
}

// The parts of a tensor, sorted by role.
std::vector<std::uint32_t> parts_in_order(const model::Catalog& catalog, std::uint32_t row) {
  const model::TensorRow& tensor = catalog.tensor(row);
  std::vector<std::uint32_t> parts(tensor.part_count);
  std::iota(parts.begin(), parts.end(), tensor.parts);
  std::ranges::sort(parts, {}, [&](std::uint32_t part) { return catalog.word(catalog.part(part).role); });
  return parts;
}

std::vector<std::byte> checked_head(const model::Catalog& catalog, const Form& form) {
  std::vector<std::byte> head = form.encoder->index_head(catalog);
  model::check_index_size(head.size(), *form.encoder, form.options.limits);
  return head;
}

std::uint64_t alignment_of(const Form& form, const model::Catalog& catalog) {
  const auto stated = form.encoder->alignment_of;
  return stated == nullptr ? form.options.alignment : stated(catalog.attributes);
}

std::vector<std::byte> planned_head(model::Catalog& plan, std::span<const std::uint32_t> rows, const Form& form) {
  lay_out(plan, rows, 0, alignment_of(form, plan), form.encoder->holds.shared_parts);
  return checked_head(plan, form);
}

}  // namespace

std::vector<Placing> lay_out(model::Catalog& catalog, std::span<const std::uint32_t> rows, std::uint64_t begin,
                             std::uint64_t alignment, bool shared) {
  std::vector<Placing> placings;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> placed;  // old offset and length -> new offset
  std::uint64_t end = begin;
  for (const std::uint32_t row : rows) {
    for (const std::uint32_t part : parts_in_order(catalog, row)) {
      const model::Recipe& recipe = catalog.part(part).recipe;
      const std::pair key(recipe.offset, recipe.stored_length);
      auto found = shared && recipe.stored_length > 0 ? placed.find(key) : placed.end();
      if (found == placed.end()) {
        const auto at = checked::align_up(end, alignment);
        const auto next = at ? checked::add(*at, recipe.stored_length) : std::nullopt;
        if (!next)
          throw Error(Code::usage, "", "the file would have more bytes than 64 bits count: write several files");
        placings.push_back({recipe.offset, *at, recipe.stored_length});
        end = *next;
        found = placed.insert_or_assign(key, *at).first;
      }
      catalog.set_place(part, 0, found->second);
    }
  }
  return placings;
}

OrderedTarget::OrderedTarget(std::shared_ptr<Destination> destination, const Form& form)
    : destination_(std::move(destination)),
      form_(form),
      output_(destination_->begin()),
      parts_(*output_, form.options.alignment, form.encoder->holds.equal_parts_once,
             run::thread_count(form.options.threads)) {
  if (!is_index_first()) output_->write(form.encoder->head());
}

StoredPart OrderedTarget::store(Pieces& pieces, const PartOptions& options, run::Meter& meter) {
  return parts_.store(pieces, options, meter);
}

std::unique_ptr<PartStream> OrderedTarget::stream(const PartOptions& options, std::optional<std::uint64_t> length,
                                                  run::Meter& meter) {
  return parts_.stream(options, length, meter);
}

Target::Planned OrderedTarget::plan(const model::Catalog& tensors) {
  Planned planned{.order = form_.encoder->order(tensors), .target = nullptr};
  if (is_index_first()) {
    model::Catalog plan;
    plan.attributes = tensors.attributes;
    for (std::uint32_t row = 0; row < tensors.size(); ++row) copy_tensor(tensors, row, plan);
    planned.target = std::make_unique<PlannedTarget>(destination_, form_, std::move(plan), planned.order);
  }
  return planned;
}

void OrderedTarget::finish(model::Catalog& catalog) {
  const model::Encoder& encoder = *form_.encoder;
  const std::uint64_t begin = is_index_first() ? 0 : encoder.head().size();
  const std::vector<std::uint32_t> rows = encoder.order(catalog);
  const std::uint64_t alignment = alignment_of(form_, catalog);
  const std::vector<Placing> placings = lay_out(catalog, rows, begin, alignment, encoder.holds.shared_parts);
  const bool in_order = std::ranges::all_of(placings, [](const Placing& part) { return part.from == part.to; });
  if (!is_index_first() && in_order && destination_->begins_with_file()) {
    write_ending(*output_, form_, catalog);
    output_->flush();
    return;
  }
  const std::vector<std::byte> head = is_index_first() ? checked_head(catalog, form_) : encoder.head();
  std::unique_ptr<Output> file = destination_->open();
  file->write(head);
  std::vector<std::byte> buffer;
  for (const Placing& part : placings) {
    file->place(alignment, part.length);
    file->expect(part.length);
    copy(*output_, part, *file, buffer);
  }
  if (encoder.padded_end && !placings.empty()) file->pad_to(alignment);
  if (!is_index_first()) write_ending(*file, form_, catalog);
  file->flush();
  output_ = std::move(file);
}

void OrderedTarget::abort() noexcept {
  output_->drop();
  destination_.reset();  // a sink that was not opened yet closes here
}

PlannedTarget::PlannedTarget(std::shared_ptr<Destination> destination, const Form& form, model::Catalog plan,
                             std::vector<std::uint32_t> rows)
    : destination_(std::move(destination)),
      plan_(std::move(plan)),
      rows_(std::move(rows)),
      head_(planned_head(plan_, rows_, form)),
      output_(destination_->open()),
      parts_(*output_, alignment_of(form, plan_), false, run::thread_count(form.options.threads)) {
  padded_to_ = form.encoder->padded_end && !rows_.empty() ? alignment_of(form, plan_) : 1;
  output_->write(head_);
  head_ = std::vector<std::byte>();
}

void PlannedTarget::begin_tensor(std::string_view name, std::uint64_t) {
  part_ = 0;
  if (next_ < rows_.size() && plan_.text(plan_.tensor(rows_[next_]).name) == name) return;
  throw Error(Code::usage, "", "the plan has another tensor here: add the tensors in the order that plan() gave");
}

StoredPart PlannedTarget::store(Pieces& pieces, const PartOptions& options, run::Meter& meter) {
  const std::vector<std::uint32_t> parts = parts_in_order(plan_, rows_[next_]);
  if (part_ == parts.size() || plan_.part(parts[part_]).recipe.stored_length != pieces.length()) {
    throw Error(Code::usage, "", "the part has another length than the planned part: add the tensor that was planned");
  }
  ++part_;
  return parts_.store(pieces, options, meter);
}

void PlannedTarget::end_tensor(const model::Catalog&, std::uint32_t) { ++next_; }

void PlannedTarget::add_copy(const model::Catalog&, std::uint32_t, std::string_view) {
  throw Error(Code::usage, "", "the plan has no alias: add the alias without plan()");
}

void PlannedTarget::finish(model::Catalog&) {
  if (next_ != rows_.size()) {
    throw Error(Code::usage, "",
                count_text(rows_.size() - next_, "planned tensor is", "planned tensors are") +
                    " missing: add all before finalize()");
  }
  output_->pad_to(padded_to_);
  output_->flush();
}

void PlannedTarget::set_attributes(std::vector<std::byte> attributes) {
  if (attributes == plan_.attributes) return;
  throw Error(Code::usage, "", "the attributes of this file are written already: set them before plan()");
}

}  // namespace zt::write
