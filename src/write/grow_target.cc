#include "write/grow_target.h"

#include <string>

#include "base/utf8.h"
#include "run/parallel.h"
#include "source/access.h"
#include "source/hidden.h"
#include "source/state.h"
#include "ztensor/error.h"

namespace zt::write {

GrowTarget::GrowTarget(std::unique_ptr<grow::Revision> growing, const Form& form)
    : growing_(std::move(growing)),
      form_(form),
      output_(std::make_unique<Output>(growing_->file())),
      parts_(*output_, form.options.alignment, form.encoder->holds.equal_parts_once,
             run::thread_count(form.options.threads)) {}

StoredPart GrowTarget::store(Pieces& pieces, const PartOptions& options, run::Meter& meter) {
  return parts_.store(pieces, options, meter);
}

std::unique_ptr<PartStream> GrowTarget::stream(const PartOptions& options, std::optional<std::uint64_t> length,
                                               run::Meter& meter) {
  return parts_.stream(options, length, meter);
}

void GrowTarget::finish(model::Catalog& catalog) {
  output_->flush();
  added_ = &catalog;
}

void GrowTarget::publish(std::vector<std::string>&) {
  committed_ = growing_->commit(*added_, form_.options.limits);
  output_.reset();   // writes to the file of growing_, so it goes first
  growing_.reset();  // releases the lock of the file
}

void GrowTarget::abort() noexcept {
  if (output_) output_->drop();
  if (growing_) growing_->abort();
}

bool GrowTarget::has(std::string_view name) const { return growing_->has(name); }
bool GrowTarget::is_alias(std::string_view name) const { return growing_->edit().aliases.contains(name); }

void GrowTarget::add_alias(std::string_view name, std::string_view existing) {
  auto& aliases = growing_->edit().aliases;
  const auto alias = aliases.find(existing);
  if (alias == aliases.end() && !growing_->has(existing)) return Target::add_alias(name, existing);
  const std::string tensor(alias == aliases.end() ? existing : alias->second);
  // A delta without a name of its base is over the base of its own name: a second name would be over another.
  const model::Catalog& catalog = Access::state(growing_->current())->catalog;
  const auto row = catalog.find(tensor);
  const model::BaseRow* base =
      row && catalog.tensor(*row).part_count > 0 ? catalog.base(catalog.tensor(*row).parts) : nullptr;
  if (base != nullptr && base->name.empty()) {
    throw Error(Code::unsupported, "write.delta",
                "tensor " + in_quotes(tensor) +
                    " is stored as what changed, and cannot get a second name: convert the "
                    "file first");
  }
  aliases.emplace(name, tensor);
}

void GrowTarget::hide(std::string_view name, std::string_view hidden) {
  const std::shared_ptr<const SourceState>& state = Access::state(growing_->current());
  const auto row = state->catalog.find(name);
  if (!row) throw Error(Code::not_found, "", "no tensor is named " + in_quotes(name));
  if (state->catalog.find(hidden)) throw Error(Code::usage, "", "a tensor is named " + in_quotes(hidden) + " already");
  Value all = source::all_attributes(Access::tensor(state, *row));
  if (all.is_null()) all = Value::map();
  const Value* present = all.find(source::kDeltaKey);
  Value note = present == nullptr ? Value::map() : *present;
  if (const Value* base = note.find("base"); base != nullptr && base->find("name") == nullptr) {
    Value named = *base;  // without a name it would be over the base of the new name
    named.set("name", std::string(name));
    note.set("base", std::move(named));
  }
  note.set("hidden", true);
  all.set(source::kDeltaKey, std::move(note));
  growing_->edit().aliases.emplace(hidden, name);
  growing_->edit().changed.insert_or_assign(std::string(hidden), form_.attributes_of(all, false));
}

void GrowTarget::remove(std::string_view name) {
  auto& aliases = growing_->edit().aliases;
  if (const auto alias = aliases.find(name); alias != aliases.end()) {
    aliases.erase(alias);
    return;
  }
  growing_->remove(name);
}

void GrowTarget::set_tensor_attributes(std::string_view name, const Value& attributes) {
  if (!growing_->has(name)) throw Error(Code::not_found, "", "no tensor is named " + in_quotes(name));
  const Value former = source::all_attributes(growing_->current().tensor(name));
  const Value all = source::with_hidden_of(former, attributes);
  growing_->edit().changed.insert_or_assign(std::string(name), form_.attributes_of(all, false));
}

void GrowTarget::set_attributes(std::vector<std::byte> attributes) {
  const Source& present = growing_->current();
  const auto cbor = present.attributes_cbor();
  const Value former = cbor.empty() ? Value() : Value::parse(cbor, source::kAnyDepth);
  const Value given = attributes.empty() ? Value() : Value::parse(attributes, source::kAnyDepth);
  const Value all = source::with_bases_of(former, given);
  growing_->edit().attributes = all == given ? std::move(attributes) : form_.attributes_of(all, true);
}

}  // namespace zt::write
