#include "write/shard_target.h"

#include <limits>
#include <string>

#include "base/checked.h"
#include "hash/digest.h"
#include "io/target.h"
#include "run/parallel.h"
#include "write/indexed_target.h"
#include "ztensor/error.h"
#include "ztensor/paths.h"

namespace zt::write {
namespace {

constexpr std::uint64_t kFooter = 64;
// Upper bounds of what a manifest has besides texts of the caller: at its beginning, for a tensor, for a dimension, and
// for a part whose digest is a sha256.
constexpr std::uint64_t kManifestHead = 64;
constexpr std::uint64_t kTensorEntry = 128;
constexpr std::uint64_t kDimension = 9;
constexpr std::uint64_t kPartEntry = 320;

std::uint64_t entry_bound(std::size_t parts, std::size_t rank, std::uint64_t texts) {
  return checked::add_up(kTensorEntry + kDimension * rank + kPartEntry * parts, texts);
}

std::uint64_t entry_bound(const model::Catalog& catalog, std::uint32_t row) {
  const model::TensorRow& tensor = catalog.tensor(row);
  std::uint64_t texts =
      catalog.text(tensor.name).size() + catalog.word(tensor.layout).size() + catalog.text(tensor.attributes).size();
  for (const model::PartRow& part : catalog.parts(tensor)) texts += catalog.word(part.role).size();
  return entry_bound(tensor.part_count, catalog.shape(tensor).size(), texts);
}

}  // namespace

std::uint64_t shard_overhead(const Form& form, std::size_t parts, std::size_t rank, std::uint64_t texts) {
  if (form.options.max_shard_size == 0 || form.encoder->holds.shards != model::ShardForm::rooted) return 0;
  const std::uint64_t gaps = parts > 1 ? (parts - 1) * (form.options.alignment - 1) : 0;
  return form.options.whole_shards ? checked::add_up(gaps, entry_bound(parts, rank, texts)) : gaps;
}

std::string shard_number(std::size_t number) {
  std::string digits = std::to_string(number);
  return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
}

ShardTarget::ShardTarget(const Form& form, const std::filesystem::path& root)
    : form_(form),
      shards_path_(io::absolute_path(io::names_through_links(root).back())),
      durable_(form.options.durable || io::identify(shards_path_)),
      root_(to_path(root, form.mode, form.options.durable), form) {}

void ShardTarget::open() {
  if (shards_.size() == model::kMostFiles) {
    throw Error(Code::usage, "", "more than 65534 shards: raise max_shard_size");
  }
  Shard shard;
  shard.manifest = kManifestHead;
  // The name of a shard is known only at the end. Any other name could be the one of a link or a folder.
  auto file =
      std::make_unique<io::Publication>(shards_path_, io::PublishOptions{.create_new = false, .durable = durable_});
  shard.file = file.get();
  shard.output = std::make_unique<Output>(std::unique_ptr<io::WritableFile>(std::move(file)));
  shard.output->hash_all();
  shard.output->write(form_.encoder->head());
  shard.parts = std::make_unique<PartLayout>(*shard.output, form_.options.alignment, false,
                                             run::thread_count(form_.options.threads));
  shards_.push_back(std::move(shard));
  open_ = true;
}

void ShardTarget::begin_tensor(std::string_view, std::uint64_t bound) {
  const WriterOptions& options = form_.options;
  if (open_) {
    // `bound` may be any number: an array that repeats its elements is longer than memory.
    const auto aligned = [&](std::uint64_t at) {
      return checked::align_up(at, options.alignment).value_or(std::numeric_limits<std::uint64_t>::max());
    };
    const std::uint64_t used = shards_.back().output->position();
    const std::uint64_t end = checked::add_up(aligned(used), bound);
    const std::uint64_t whole = options.whole_shards ? checked::add_up(aligned(end), shards_.back().manifest) : end;
    if (checked::add_up(whole, kFooter) > options.max_shard_size && used > form_.encoder->alignment) close();
  }
  if (!open_) open();
}

StoredPart ShardTarget::store(Pieces& pieces, const PartOptions& options, run::Meter& meter) {
  StoredPart part = shards_.back().parts->store(pieces, options, meter);
  part.recipe.file = static_cast<std::uint16_t>(shards_.size());
  return part;
}

void ShardTarget::end_tensor(const model::Catalog& catalog, std::uint32_t row) {
  if (!form_.options.whole_shards) return;
  model::Catalog& own = shards_.back().catalog;
  const auto first = static_cast<std::uint32_t>(own.part_rows());
  copy_tensor(catalog, row, own);
  shards_.back().manifest += entry_bound(catalog, row);
  for (std::uint32_t part = first; part < own.part_rows(); ++part) own.set_place(part, 0, own.part(part).recipe.offset);
}

void ShardTarget::close() {
  Shard& shard = shards_.back();
  Output& output = *shard.output;
  const model::Encoder& encoder = *form_.encoder;
  if (form_.options.whole_shards) {
    const std::uint64_t at = output.place(encoder.manifest_alignment, 0);
    const std::vector<std::byte> manifest = encoder.manifest(shard.catalog);
    output.write(manifest);
    output.write(encoder.footer(at, manifest));
  } else {
    output.write(encoder.footer(0, {}));
  }
  output.flush();
  output.free_buffer();
  shard.row.size = output.position();
  shard.row.digest = hash::format_digest({.algorithm = Checksum::xxh3, .xxh3 = output.hash()});
  shard.row.name = shard_number(shards_.size()) + "-" + shard.row.digest.substr(shard.row.digest.find(':') + 1);
  shard.parts.reset();
  shard.catalog = model::Catalog();
  open_ = false;
}

void ShardTarget::finish(model::Catalog& catalog) {
  if (open_) close();
  for (const Shard& shard : shards_) catalog.files.push_back(shard.row);
  root_.finish(catalog);
}

void ShardTarget::publish(std::vector<std::string>& notes) {
  for (const Shard& shard : shards_) {
    const std::string name = utf8_of(shards_path_.stem()) + "-" + shard.row.name + ".zt";
    shard.file->rename_target(name);
    shard.file->publish();
    for (const std::string& note : shard.file->notes()) {
      notes.push_back(utf8_of(shards_path_.parent_path() / path_of(name)) + ": " + note);
    }
  }
  root_.publish(notes);
}

void ShardTarget::abort() noexcept {
  for (Shard& shard : shards_) shard.output->drop();
  root_.abort();
}

std::uint64_t ShardTarget::size() const {
  std::uint64_t size = root_.size();
  for (const Shard& shard : shards_) size += shard.output->position();
  return size;
}

std::unique_ptr<Target> new_shard_target(const Form& form, const std::filesystem::path& path) {
  if (form.encoder->holds.shards == model::ShardForm::indexed) return std::make_unique<IndexedTarget>(form, path);
  return std::make_unique<ShardTarget>(form, path);
}

}  // namespace zt::write
