#include "write/target.h"

#include <numeric>
#include <span>

#include "base/utf8.h"
#include "write/destination.h"
#include "write/ordered_target.h"
#include "write/shard_target.h"
#include "write/stream_target.h"
#include "ztensor/error.h"

namespace zt::write {
namespace {

bool is_ordered(const Form& form) { return form.canonical || form.encoder->index == model::Index::first; }

}  // namespace

void Target::begin_tensor(std::string_view, std::uint64_t) {}
std::unique_ptr<PartStream> Target::stream(const PartOptions&, std::optional<std::uint64_t>, run::Meter&) {
  return nullptr;
}

void Target::end_tensor(const model::Catalog&, std::uint32_t) {}
void Target::add_copy(const model::Catalog&, std::uint32_t, std::string_view) {}
bool Target::has(std::string_view) const { return false; }
bool Target::is_alias(std::string_view) const { return false; }

void Target::add_alias(std::string_view, std::string_view existing) {
  throw Error(Code::not_found, "", "no tensor named " + in_quotes(existing) + " was added");
}

void Target::remove(std::string_view) {
  throw Error(Code::usage, "", "a new file has no tensors to remove: open an existing file in append mode");
}

void Target::set_tensor_attributes(std::string_view, const Value&) {
  throw Error(Code::usage, "", "this writer makes a new file: give the attributes when you add the tensor");
}

void Target::set_attributes(std::vector<std::byte>) {}  // NOLINT(performance-unnecessary-value-param): some keep them

Target::Planned Target::plan(const model::Catalog& tensors) {
  Planned planned;
  planned.order.resize(tensors.size());
  std::iota(planned.order.begin(), planned.order.end(), 0U);
  return planned;
}

void copy_tensor(const model::Catalog& from, std::uint32_t row, model::Catalog& to) {
  const model::TensorRow& tensor = from.tensor(row);
  to.add_tensor(from.text(tensor.name), from.shape(tensor), from.word(tensor.layout),
                std::as_bytes(std::span(from.text(tensor.attributes))));
  for (const model::PartRow& part : from.parts(tensor)) {
    model::PartRow& added = to.add_part(from.word(part.role), part.dtype, part.recipe, from.text(part.digest));
    added.storage = to.intern(from.word(part.storage));
    added.logical = to.intern(from.word(part.logical));
  }
}

std::unique_ptr<Target> new_target(const Form& form, const std::filesystem::path& path) {
  if (form.options.max_shard_size > 0) return new_shard_target(form, path);
  auto destination = to_path(path, form.mode, form.options.durable);
  if (is_ordered(form)) return std::make_unique<OrderedTarget>(std::move(destination), form);
  return std::make_unique<StreamTarget>(std::move(destination), form);
}

std::unique_ptr<Target> new_target(const Form& form, std::unique_ptr<ByteSink> sink) {
  auto destination = to_sink(std::move(sink));
  if (is_ordered(form)) return std::make_unique<OrderedTarget>(std::move(destination), form);
  return std::make_unique<StreamTarget>(std::move(destination), form);
}

}  // namespace zt::write
