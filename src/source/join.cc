#include "source/join.h"

#include <utility>

#include "base/utf8.h"
#include "ztensor/error.h"
#include "ztensor/value.h"

namespace zt::source {

using model::Catalog;

void Join::add(const Catalog& catalog, const std::string& name, std::uint64_t size, bool as_root,
               std::string_view only) {
  if (names_.empty()) {
    joined_.format = catalog.format;
    joined_.decoded_digests = catalog.decoded_digests;
  } else if (joined_.format != catalog.format) {
    throw Error(Code::usage, "",
                in_quotes(names_.front()) + " is of format " + joined_.format + ", but " + in_quotes(name) + " of " +
                    catalog.format + ": open files of one format");
  }
  if (joined_.files.size() + catalog.files.size() + 1 > model::kMostFiles) {
    throw Error(Code::limit, "index.files", "the model has more than " + std::to_string(model::kMostFiles) + " files");
  }
  names_.push_back(name);
  if (!as_root) joined_.files.push_back({.name = name, .size = size, .kind = model::FileRow::Kind::whole});
  first_file_ = static_cast<std::uint16_t>(joined_.files.size());
  joined_.files.insert(joined_.files.end(), catalog.files.begin(), catalog.files.end());
  owned_before_ = joined_.own(catalog.owned());
  std::vector<std::uint32_t> rows_of_parts(catalog.part_rows(), model::kNone);
  for (std::uint32_t row = 0; row < catalog.shown(); ++row) {
    add_tensor(catalog, row, only.empty() ? catalog.text(catalog.tensor(row).name) : only, rows_of_parts);
  }
  add_attributes(catalog, name);
  for (const std::string& note : catalog.notes) joined_.notes.push_back(name + ": " + note);
}

void Join::add_tensor(const Catalog& from, std::uint32_t row, std::string_view name,
                      std::vector<std::uint32_t>& rows_of_parts) {
  const model::TensorRow& tensor = from.tensor(row);
  if (const auto taken = joined_.find(name)) {
    throw Error(Code::malformed, "index.tensor.twice",
                "tensor " + in_quotes(name) + " is in both " + in_quotes(file_of(*taken)) + " and " +
                    in_quotes(names_.back()) + ": if they are different models, open one of them");
  }
  owners_.push_back(static_cast<std::uint32_t>(names_.size() - 1));
  if (tensor.part_count > 0) {
    std::uint32_t& first = rows_of_parts[tensor.parts];  // the tensor that brought these parts
    if (first != model::kNone) return joined_.add_copy(name, first);
    first = static_cast<std::uint32_t>(joined_.size());
  }
  joined_.add_tensor(name, from.shape(tensor), from.word(tensor.layout), as_bytes(from.text(tensor.attributes)));
  if (const model::Fault* fault = from.fault(tensor.fault)) joined_.fault_tensor(*fault);
  for (const model::PartRow& part : from.parts(tensor)) add_part(from, part);
  if (tensor.part_count == 1 && from.parts(tensor)[0].recipe.coding.is_delta()) {
    joined_.fault_tensor({Code::unsupported, "delta.joined",
                          "a tensor that is stored as a delta is not read in a model of several files: open its file"});
  }
}

void Join::add_part(const Catalog& from, const model::PartRow& part) {
  model::Recipe recipe = part.recipe;
  if (recipe.file == model::kOwnedFile) {
    recipe.offset += owned_before_;
  } else {
    recipe.file = static_cast<std::uint16_t>(recipe.file + first_file_);
  }
  if (recipe.view != model::kWhole) recipe.view = joined_.add_view(from.view(recipe.view));
  model::PartRow& added = joined_.add_part(from.word(part.role), part.dtype, recipe, from.text(part.digest));
  added.storage = joined_.intern(from.word(part.storage));
  added.logical = joined_.intern(from.word(part.logical));
  if (const model::Fault* fault = from.fault(part.fault)) joined_.fault_part(*fault);
}

void Join::add_attributes(const Catalog& from, const std::string& name) {
  if (from.attributes.empty()) return;
  if (names_.size() == 1) first_attributes_ = from.attributes;  // kept as they are if no other file has any
  constexpr std::uint32_t kDepth = 1000;                        // the decoder has held the depth to the limits
  const Value found = Value::parse(from.attributes, kDepth);
  if (found.members() == nullptr) return;
  const std::size_t before = attributes_.members().size();
  for (const auto& [key, value] : *found.members()) {
    if (attributes_.take(key, value) == MergedAttributes::Taken::kept || key.text() == nullptr) continue;
    joined_.notes.push_back(name + ": attribute " + in_quotes(*key.text()) +
                            " was left out: an earlier file has another value for it");
  }
  if (names_.size() > 1 && attributes_.members().size() > before) first_attributes_.clear();
}

Catalog Join::finish() && {
  if (!first_attributes_.empty()) {
    joined_.attributes = std::move(first_attributes_);
  } else if (!attributes_.members().empty()) {
    joined_.attributes = Value(attributes_.members()).encode();
  }
  joined_.shrink();
  return std::move(joined_);
}

}  // namespace zt::source
