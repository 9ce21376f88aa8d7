#include "write/indexed_target.h"

#include <cerrno>
#include <exception>
#include <utility>

#include "base/checked.h"
#include "base/count_text.h"
#include "io/publish.h"
#include "io/target.h"
#include "write/ordered_target.h"
#include "write/shard_target.h"
#include "ztensor/error.h"
#include "ztensor/paths.h"

namespace zt::write {
namespace {

namespace fs = std::filesystem;

// The decoded bytes of a tensor.
std::uint64_t bytes_of(const model::Catalog& catalog, std::uint32_t row) {
  std::uint64_t bytes = 0;
  for (const model::PartRow& part : catalog.parts(catalog.tensor(row))) {
    bytes = checked::add_up(bytes, part.recipe.decoded_length);
  }
  return bytes;
}

// Whether a failed save has certainly left the former index. A new index may be in place, even if it was not synced.
bool names_no_shard(const fs::path& index, const std::optional<io::Identity>& former) noexcept {
  try {
    return io::identify(index) == former;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

IndexedTarget::IndexedTarget(const Form& form, const fs::path& path)
    : form_(form),
      path_(io::absolute_path(io::names_through_links(path).back())),
      index_path_(path_of(utf8_of(path_) + ".index.json")),
      replaced_(io::identify(path_)),
      durable_(form.options.durable || replaced_ || io::identify(index_path_)) {
  if (form.mode == WriteMode::replace) return;
  for (const fs::path& taken : {path_, index_path_}) {
    if (io::identify(taken)) throw Error::system(EEXIST, utf8_of(taken), "must not exist yet", "write.exists");
  }
}

void IndexedTarget::open() {
  if (shards_.size() == model::kMostFiles) {
    throw Error(Code::usage, "", "more than 65534 shards: raise max_shard_size");
  }
  Shard shard;
  shard.destination = to_path(path_, form_.mode, durable_);
  if (!has_plan_) {
    shard.target = std::make_unique<OrderedTarget>(shard.destination, form_);
  } else {
    shard.planned = planned_.front().size();
    std::vector<std::uint32_t> order = form_.encoder->order(planned_.front());
    shard.target =
        std::make_unique<PlannedTarget>(shard.destination, form_, std::move(planned_.front()), std::move(order));
    planned_.pop_front();
  }
  shard.catalog.attributes = attributes_;
  shards_.push_back(std::move(shard));
  open_ = true;
}

void IndexedTarget::close() {
  Shard& shard = shards_.back();
  shard.target->finish(shard.catalog);
  shard.target->free_buffers();  // a model may have thousands of shards
  shard.catalog = model::Catalog();
  open_ = false;
}

// A plan says which tensors a shard has. Their lengths would cut the model elsewhere: the tensors come in another order,
// and `bound` may be more than the bytes that were planned.
bool IndexedTarget::is_full(std::uint64_t bound) const {
  const Shard& shard = shards_.back();
  if (shard.planned) return shard.catalog.size() == *shard.planned;
  return shard.bytes > 0 && !fits(shard.bytes, bound);
}

void IndexedTarget::begin_tensor(std::string_view name, std::uint64_t bound) {
  const bool begins = !open_ || is_full(bound);
  if (begins && has_plan_ && planned_.empty()) {
    throw Error(Code::usage, "", "the plan has no more tensors: add only the tensors that plan() was given");
  }
  if (begins && open_) close();
  if (begins) open();
  shards_.back().target->begin_tensor(name, bound);
}

StoredPart IndexedTarget::store(Pieces& pieces, const PartOptions& options, run::Meter& meter) {
  StoredPart part = shards_.back().target->store(pieces, options, meter);
  part.recipe.file = static_cast<std::uint16_t>(shards_.size());
  return part;
}

void IndexedTarget::end_tensor(const model::Catalog& catalog, std::uint32_t row) {
  Shard& shard = shards_.back();
  const auto first = static_cast<std::uint32_t>(shard.catalog.part_rows());
  copy_tensor(catalog, row, shard.catalog);
  for (std::uint32_t part = first; part < shard.catalog.part_rows(); ++part) {
    shard.catalog.set_place(part, 0, shard.catalog.part(part).recipe.offset);
  }
  shard.bytes += bytes_of(catalog, row);
  shard.target->end_tensor(shard.catalog, static_cast<std::uint32_t>(shard.catalog.size() - 1));
}

void IndexedTarget::add_copy(const model::Catalog& catalog, std::uint32_t row, std::string_view name) {
  const auto own = open_ ? shards_.back().catalog.find(catalog.text(catalog.tensor(row).name)) : std::nullopt;
  if (!own) {
    throw Error(Code::usage, "", "the shard of its tensor is complete: add an alias right after its tensor");
  }
  Shard& shard = shards_.back();
  shard.target->add_copy(shard.catalog, *own, name);
  shard.catalog.add_copy(name, *own);
  shard.bytes += bytes_of(catalog, row);
}

// Cuts a model into shards as other tools do: in the order of its tensors, each shard as full as possible.
Target::Planned IndexedTarget::plan(const model::Catalog& tensors) {
  Planned planned;
  has_plan_ = true;
  planned_.clear();
  std::vector<std::uint32_t> rows;  // of the current shard
  std::uint64_t used = 0;
  const auto end_shard = [&] {
    model::Catalog shard;
    shard.attributes = tensors.attributes;
    for (const std::uint32_t row : rows) copy_tensor(tensors, row, shard);
    for (const std::uint32_t row : form_.encoder->order(shard)) planned.order.push_back(rows[row]);
    planned_.push_back(std::move(shard));
    rows.clear();
    used = 0;
  };
  for (std::uint32_t row = 0; row < tensors.size(); ++row) {
    const std::uint64_t bytes = bytes_of(tensors, row);
    if (used > 0 && !fits(used, bytes)) end_shard();
    rows.push_back(row);
    used = checked::add_up(used, bytes);
  }
  end_shard();
  return planned;
}

void IndexedTarget::finish(model::Catalog& catalog) {
  if (open_) close();
  if (shards_.empty()) {
    open();
    close();
  }
  if (!planned_.empty()) {
    std::size_t missing = 0;
    for (const model::Catalog& shard : planned_) missing += shard.size();
    throw Error(
        Code::usage, "",
        count_text(missing, "planned tensor is", "planned tensors are") + " missing: add all before finalize()");
  }
  catalog_ = &catalog;
}

// If an older model with equally many shards exists, the new names get a number.
std::string IndexedTarget::name_of(std::size_t shard, std::size_t attempt) const {
  const std::string again = attempt == 1 ? "" : "-" + std::to_string(attempt);
  return utf8_of(path_.stem()) + "-" + shard_number(shard + 1) + "-of-" + shard_number(shards_.size()) + again +
         utf8_of(path_.extension());
}

// The first number for which all names are free.
std::size_t IndexedTarget::free_attempt() const {
  for (std::size_t attempt = 1;; ++attempt) {
    bool free = true;
    for (std::size_t i = 0; free && i < shards_.size(); ++i) {
      free = !io::identify(path_.parent_path() / path_of(name_of(i, attempt)));
    }
    if (free) return attempt;
  }
}

// Another process may take a name at any moment, so a shard never replaces a file: it takes the next name.
std::vector<std::string> IndexedTarget::publish_shards(std::vector<std::string>& notes) {
  std::vector<std::string> names;
  const std::size_t first = free_attempt();
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    std::size_t attempt = first;
    while (!shards_[i].destination->publish_as(name_of(i, attempt), notes)) ++attempt;
    names.push_back(name_of(i, attempt));
    const fs::path path = path_.parent_path() / path_of(names.back());
    published_.emplace_back(path, io::identify(path));
  }
  return names;
}

// Removes the shards of a save that has failed: no index names them.
void IndexedTarget::take_back() noexcept {
  for (const auto& [path, identity] : published_) {
    try {
      if (identity) io::remove_file(path, *identity);
    } catch (const std::exception&) {  // it stays: the error of the save says more
    }
  }
}

void IndexedTarget::publish(std::vector<std::string>& notes) {
  if (shards_.size() == 1) return shards_.front().destination->publish(notes);
  const bool create_new = form_.mode != WriteMode::replace;
  if (create_new && io::identify(path_))
    throw Error::system(EEXIST, utf8_of(path_), "must not exist yet", "write.exists");
  const auto former = io::identify(index_path_);
  try {
    io::Publication index(index_path_, {.create_new = create_new, .durable = durable_});
    const std::vector<std::byte> text = form_.encoder->shard_index(*catalog_, publish_shards(notes));
    index.write(text);
    index.publish();
    for (const std::string& note : index.notes()) notes.push_back(utf8_of(index_path_) + ": " + note);
    index_bytes_ = text.size();
  } catch (...) {
    if (names_no_shard(index_path_, former)) take_back();
    throw;
  }
  remove_replaced(notes);
}

// Readers that find both the file and the index read the file, and it is the old model. But a file that has come
// meanwhile is a model of another process.
void IndexedTarget::remove_replaced(std::vector<std::string>& notes) const {
  const auto present = io::identify(path_);
  if (!present) return;
  if (present == replaced_) return io::remove_file(path_, *replaced_);
  notes.push_back(utf8_of(path_) + ": another process wrote this file meanwhile, and readers take it for the model");
}

void IndexedTarget::abort() noexcept {
  for (Shard& shard : shards_) shard.target->abort();
}

std::uint64_t IndexedTarget::size() const {
  std::uint64_t size = index_bytes_;
  for (const Shard& shard : shards_) size += shard.target->size();
  return size;
}

void IndexedTarget::set_attributes(std::vector<std::byte> attributes) {
  if (attributes == attributes_) return;
  if (!shards_.empty()) {
    throw Error(Code::usage, "",
                "a shard of this model is written already: set the attributes before the first tensor");
  }
  attributes_ = std::move(attributes);
}

}  // namespace zt::write
