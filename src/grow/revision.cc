#include "grow/revision.h"

#include <algorithm>

#include "base/checked.h"
#include "base/utf8.h"
#include "grow/packing.h"
#include "io/descriptor.h"
#include "io/publish.h"
#include "io/target.h"
#include "model/bases.h"
#include "source/access.h"
#include "source/formats.h"
#include "source/state.h"
#include "ztensor/paths.h"

namespace zt::grow {
namespace {

// Gives the file's Growth to an Output.
class RevisionOutput final : public io::WritableFile {
 public:
  explicit RevisionOutput(Growth& growth) : growth_(growth) {}
  bool grows() const override { return true; }
  std::uint64_t place(std::uint64_t alignment, std::uint64_t bound) override { return growth_.place(alignment, bound); }
  void write(std::span<const std::byte> bytes) override { growth_.write(bytes); }
  void reserve(std::uint64_t position, std::uint64_t bytes) noexcept override { growth_.reserve(position, bytes); }
  void read_back(std::uint64_t offset, std::span<std::byte> out) const override { growth_.read_back(offset, out); }
  void rewind(std::uint64_t position) override { growth_.rewind(position); }

 private:
  Growth& growth_;
};

// The common alignment of the parts, up to the largest that a format allows.
std::uint64_t alignment_of(const model::Catalog& catalog, const model::Encoder& encoder) {
  constexpr std::uint64_t kMost = 65536;
  if (encoder.grower->tail == Tail::manifest_size) return encoder.alignment;  // a larger common alignment means nothing
  std::uint64_t offsets = catalog.manifest.offset | kMost;
  for (std::uint32_t part = 0; part < catalog.part_rows(); ++part) {
    const model::Recipe& recipe = catalog.part(part).recipe;
    if (recipe.file == 0) offsets |= recipe.offset;
  }
  return std::max(encoder.alignment, offsets & (~offsets + 1));
}

// The bytes of an offset in a manifest.
std::uint64_t width_of(std::uint64_t offset) {
  if (offset < 24) return 1;
  if (offset <= 0xFF) return 2;
  if (offset <= 0xFFFF) return 3;
  return offset <= 0xFFFFFFFF ? 5 : 9;
}

// The parts of a tensor that lie in the tensor's own file.
void add_parts(const model::Catalog& catalog, std::uint32_t row, std::vector<Region>& parts) {
  for (const model::PartRow& part : catalog.parts(catalog.tensor(row))) {
    if (part.recipe.file == 0) parts.push_back({part.recipe.offset, part.recipe.stored_length});
  }
}

}  // namespace

Live live_version(const ByteStore& store, const model::Catalog& catalog, std::span<const Region> former) {
  const Region& manifest = catalog.manifest;
  std::uint64_t used = manifest.offset + manifest.length;
  for (const Region& region : former) used = std::max(used, region.offset + region.length);
  for (std::uint32_t part = 0; part < catalog.part_rows(); ++part) {
    const model::Recipe& recipe = catalog.part(part).recipe;
    const auto end = checked::add(recipe.offset, recipe.stored_length);
    if (recipe.file == 0 && end && *end <= store.size()) used = std::max(used, *end);
  }
  return {.manifest = manifest, .used_end = used};
}

void check_no_own_shard(const std::filesystem::path& path, const model::Catalog& catalog) {
  if (catalog.files.empty()) return;
  const auto own = io::identify(path);
  for (const std::filesystem::path& name : io::names_through_links(path)) {
    for (const model::FileRow& shard : catalog.files) {
      const auto place = name.parent_path() / path_of(utf8_of(name.stem()) + "-" + shard.name + ".zt");
      if (own && own == io::identify(place)) {
        throw Error(Code::unsupported, "write.shard",
                    "shard " + in_quotes(shard.name) + " is the file itself: a shard must not grow under its own root");
      }
    }
  }
}

// A broken entry may name bytes past the end of the file, or bytes of the manifest. After the append these could be
// bytes of another tensor.
void Revision::check_entries() const {
  const SourceState& state = *Access::state(current_);
  const std::uint64_t size = state.store->size();
  const Region& live = state.catalog.manifest;
  for (std::uint32_t row = 0; row < state.catalog.size(); ++row) {
    const model::TensorRow& tensor = state.catalog.tensor(row);
    const std::string_view name = state.catalog.text(tensor.name);
    if (tensor.fault == model::kNone || edit_.removed.contains(name)) continue;
    for (const model::PartRow& part : state.catalog.parts(tensor)) {
      const Region blob{part.recipe.offset, part.recipe.stored_length};
      const bool inside = checked::within(blob.offset, blob.length, size);
      const bool clear = blob.length == 0 || !inside || blob.offset + blob.length <= live.offset ||
                         blob.offset >= live.offset + live.length;
      if (part.recipe.file != 0 || (inside && clear)) continue;
      throw Error(Code::malformed, "write.entry",
                  "tensor " + in_quotes(name) +
                      " names bytes past the end of the file or in its manifest: remove the tensor first");
    }
  }
}

Revision::Revision(const std::filesystem::path& path, const WriterOptions& options)
    : path_(path),
      growth_(std::make_unique<Growth>(path, GrowthOptions{.durable = options.durable})),
      current_(Access::source(nullptr)) {
  try {
    read_present(options);
  } catch (Error& error) {
    error.enter_file(utf8_of(path));
    throw;
  }
}

void Revision::read_present(const WriterOptions& options) {
  const std::shared_ptr<const ByteStore> store = growth_->store();
  OpenOptions open_options;
  open_options.limits = options.limits;
  open_options.threads = options.threads;
  source::Opened opened{.store = store, .path = {}, .name = utf8_of(path_)};
  model::Catalog present = source::decode(opened, options.limits, &manifest_);
  current_ = source::make_source(std::move(opened), std::move(present), open_options);
  encoder_ = source::find_encoder(current_.format());
  if (encoder_ == nullptr || encoder_->grower == nullptr) {
    throw Error(Code::unsupported, "write.grow",
                "a file of format " + std::string(current_.format()) +
                    " cannot be changed in place: convert it to .zt first, with 'ztensor convert'");
  }
  if (!options.to.empty() && source::find_writable(options.to).encoder != encoder_) {
    io::fail_usage(path_, "the format of the file is " + std::string(current_.format()) +
                              ", and cannot change in an append: convert the file");
  }
  if (options.canonical.value_or(false) || options.max_shard_size > 0) {
    io::fail_usage(path_, "an append cannot make a file canonical or give it shards: convert the file instead");
  }
  const model::Catalog& catalog = Access::state(current_)->catalog;
  check_no_own_shard(path_, catalog);
  alignment_ = alignment_of(catalog, *encoder_);
  if (options.alignment != 0 && options.alignment != alignment_) {
    io::fail_usage(path_, "the alignment of the file is " + std::to_string(alignment_) +
                              ", and cannot change in an append: leave alignment out");
  }
  model::FormerManifests former = encoder_->grower->former(*store, catalog, manifest_);
  edit_.objects = catalog.objects;
  edit_.former = std::move(former.regions);
  reusable_ = std::move(former.reusable);
  growth_->begin(encoder_->grower->tail, live_version(*store, catalog, edit_.former));
}

// A hidden tensor has its name, too.
bool Revision::has(std::string_view name) const {
  return Access::state(current_)->catalog.find(name) && !edit_.removed.contains(name);
}

void Revision::remove(std::string_view name) {
  if (!has(name)) {
    Error error(Code::not_found, "", "no tensor is named " + in_quotes(name));
    error.enter_file(utf8_of(path_));
    throw error;
  }
  edit_.changed.erase(std::string(name));
  edit_.removed.emplace(name);
}

std::unique_ptr<io::WritableFile> Revision::file() { return std::make_unique<RevisionOutput>(*growth_); }

// Makes regions an eighth larger than needed, so that later manifests fit into former ones' places.
std::optional<Region> Revision::place_manifest(std::uint64_t size) {
  const auto found = std::ranges::find_if(reusable_, [&](const Region& one) { return one.length >= size; });
  if (found != reusable_.end()) return *found;
  const std::uint64_t length = checked::round_up(size + size / 8 + 64, 4096);
  return Region{growth_->place(encoder_->manifest_alignment, length), length};
}

// The size of the file that compact() would write. It need not build the manifest: only the offsets change, and they
// take the shortest form. If another tool wrote longer offsets, the result is a little too large.
std::uint64_t Revision::packed_size(const model::Catalog& added, Region manifest) const {
  const model::Catalog& present = Access::state(current_)->catalog;
  std::vector<Region> parts;
  parts.reserve(present.part_rows() + added.part_rows());
  for (std::uint32_t row = 0; row < present.size(); ++row) {
    const model::TensorRow& tensor = present.tensor(row);
    if (!edit_.removed.empty() && edit_.removed.contains(present.text(tensor.name))) continue;
    if (tensor.fault != model::kNone) throw Error(Code::unsupported, "compact.unreadable", "a tensor cannot be read");
    add_parts(present, row, parts);
  }
  for (const auto& [name, existing] : edit_.aliases) add_parts(present, *present.find(existing), parts);
  for (std::uint32_t row = 0; row < added.size(); ++row) add_parts(added, row, parts);
  const Packing packing(std::move(parts), *encoder_, manifest);
  std::uint64_t manifest_length = manifest.length;  // becomes the new length
  for (const Move& move : packing.moves()) {
    manifest_length += move.uses * (width_of(move.to) - width_of(move.from.offset));  // may overflow, and overflow back
  }
  return packing.size(manifest_length);
}

Committed Revision::commit(const model::Catalog& added, const Limits& limits) {
  inside(utf8_of(path_), [&] {
    check_entries();
    model::check_bases_stay(Access::state(current_)->catalog, edit_.removed);
  });
  edit_.added = &added;
  std::optional<Region> region;
  if (encoder_->grower->tail == Tail::footer) {
    edit_.place = [&](std::uint64_t size) { return region = place_manifest(size); };
  }
  const model::EditedManifest manifest = encoder_->grower->edit(manifest_, edit_);
  edit_.place = {};
  model::check_index_size(manifest.bytes.size(), *encoder_, limits);
  const Grown grown = growth_->commit(
      manifest.bytes, [&](std::uint64_t offset) { return encoder_->footer(offset, manifest.bytes); }, region,
      encoder_->manifest_alignment);
  Committed committed{.size = grown.size};
  try {
    const std::uint64_t packed = packed_size(added, {grown.manifest, manifest.bytes.size() - manifest.bookkeeping});
    committed.reclaimable = committed.size - std::min(committed.size, packed);
  } catch (const std::exception&) {  // the compact size is unknown, but the new version exists
  }
  return committed;
}

}  // namespace zt::grow
