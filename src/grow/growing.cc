#include "grow/growing.h"

#include <algorithm>

#include "base/checked.h"
#include "base/utf8.h"
#include "io/descriptor.h"
#include "io/publish.h"
#include "io/target.h"
#include "source/access.h"
#include "source/formats.h"
#include "source/state.h"

namespace zt::grow {
namespace {

// The file's Growth as something an Output writes to.
class GrowingOutput final : public io::WritableFile {
 public:
  explicit GrowingOutput(Growth& growth) : growth_(growth) {}
  bool grows() const override { return true; }
  std::uint64_t place(std::uint64_t alignment, std::uint64_t bound) override { return growth_.place(alignment, bound); }
  void write(std::span<const std::byte> bytes) override { growth_.write(bytes); }
  void reserve(std::uint64_t position, std::uint64_t bytes) noexcept override { growth_.reserve(position, bytes); }
  void read_back(std::uint64_t offset, std::span<std::byte> out) const override { growth_.read_back(offset, out); }
  void rewind(std::uint64_t position) override { growth_.rewind(position); }

 private:
  Growth& growth_;
};

// What the offsets of the parts have in common, within what a format allows.
std::uint64_t alignment_of(const model::Catalog& catalog, const Region& manifest, const model::Encoder& encoder) {
  constexpr std::uint64_t kMost = 65536;
  if (encoder.manifest_alignment == 1) return encoder.alignment;  // 1.x: nothing says more than that
  std::uint64_t offsets = manifest.offset | kMost;
  for (std::uint32_t part = 0; part < catalog.part_rows(); ++part) {
    const model::Recipe& recipe = catalog.part(part).recipe;
    if (recipe.file == 0) offsets |= recipe.offset;
  }
  return std::max(encoder.alignment, offsets & (~offsets + 1));
}

}  // namespace

Tail tail_of(const model::Encoder& encoder) {
  return encoder.manifest_alignment == 1 ? Tail::manifest_size : Tail::footer40;
}

Live live_version(const ByteStore& store, const model::Catalog& catalog, Region manifest,
                  std::span<const Region> free) {
  std::uint64_t used = manifest.offset + manifest.length;
  for (const Region& region : free) used = std::max(used, region.offset + region.length);
  for (std::uint32_t part = 0; part < catalog.part_rows(); ++part) {
    const model::Recipe& recipe = catalog.part(part).recipe;
    const auto end = checked::add(recipe.offset, recipe.stored_length);
    if (recipe.file == 0 && end && *end <= store.size()) used = std::max(used, *end);
  }
  return {.manifest = {manifest.offset, manifest.length}, .used_end = used};
}

void check_no_own_shard(const std::filesystem::path& path, const model::Catalog& catalog) {
  if (catalog.files.empty()) return;
  const auto own = io::identify(path);
  for (const std::filesystem::path& name : io::names_through_links(path)) {
    for (const model::FileRow& shard : catalog.files) {
      const auto place = name.parent_path() / (name.stem().string() + "-" + shard.name + ".zt");
      if (own && own == io::identify(place)) {
        throw Error(Code::unsupported, "write.shard", "its shard " + in_quotes(shard.name) + " is the file itself");
      }
    }
  }
}

// A broken entry may name bytes that are not there yet. Once the file has grown it would name another tensor's.
void Growing::check_entries() const {
  const SourceState& state = *Access::state(current_);
  const std::uint64_t size = state.store->size();
  for (std::uint32_t row = 0; row < state.catalog.size(); ++row) {
    const model::TensorRow& tensor = state.catalog.tensor(row);
    const std::string_view name = state.catalog.text(tensor.name);
    if (tensor.fault == model::kNone || edit_.removed.contains(name)) continue;
    for (const model::PartRow& part : state.catalog.parts(tensor)) {
      const Region blob{part.recipe.offset, part.recipe.stored_length};
      const bool inside = checked::within(blob.offset, blob.length, size);
      const bool clear = blob.length == 0 || !inside || blob.offset + blob.length <= live_.offset ||
                         blob.offset >= live_.offset + live_.length;
      if (part.recipe.file != 0 || (inside && clear)) continue;
      throw Error(
          Code::malformed, "write.entry",
          "tensor " + in_quotes(name) + " names bytes that are not its own, and would name new ones: remove it");
    }
  }
}

Growing::Growing(const std::filesystem::path& path, const WriterOptions& options)
    : path_(path),
      growth_(std::make_unique<Growth>(path, GrowthOptions{.durable = options.durable})),
      current_(Access::source(nullptr)) {
  try {
    read_present(options);
  } catch (Error& error) {
    error.enter_file(path.string());
    throw;
  }
}

void Growing::read_present(const WriterOptions& options) {
  const std::shared_ptr<const ByteStore> store = growth_->store();
  OpenOptions open_options;
  open_options.limits = options.limits;
  open_options.threads = options.threads;
  current_ = open(store, path_.string(), open_options);
  encoder_ = source::find_encoder(current_.format());
  if (encoder_ == nullptr || encoder_->edit == nullptr) {
    throw Error(Code::unsupported, "write.grow",
                "a file of format " + std::string(current_.format()) + " cannot grow: convert it first");
  }
  if (!options.to.empty() && source::find_writable(options.to).encoder != encoder_) {
    io::fail_usage(path_, "its format is " + std::string(current_.format()) + ": a file that grows keeps it");
  }
  if (options.canonical.value_or(false) || options.max_shard_size > 0) {
    io::fail_usage(path_, "a file that grows is neither canonical nor given shards: convert it");
  }
  const model::Catalog& catalog = Access::state(current_)->catalog;
  check_no_own_shard(path_, catalog);
  live_ = encoder_->locate(*store, options.limits);
  alignment_ = alignment_of(catalog, live_, *encoder_);
  if (options.alignment != 0 && options.alignment != alignment_) {
    io::fail_usage(path_, "its alignment is " + std::to_string(alignment_) + ": a file that grows keeps it");
  }
  manifest_.resize(static_cast<std::size_t>(live_.length));
  store->read_at(live_.offset, manifest_);
  edit_.free = encoder_->former(*store, catalog, manifest_, reusable_);

  growth_->begin(tail_of(*encoder_), live_version(*store, catalog, live_, edit_.free));
}

bool Growing::has(std::string_view name) const { return current_.find(name) && !edit_.removed.contains(name); }

void Growing::remove(std::string_view name) {
  if (!has(name)) {
    Error error(Code::not_found, "", "no tensor is named " + in_quotes(name));
    error.enter_file(path_.string());
    throw error;
  }
  edit_.changed.erase(std::string(name));
  edit_.removed.emplace(name);
}

std::unique_ptr<io::WritableFile> Growing::file() { return std::make_unique<GrowingOutput>(*growth_); }

std::uint64_t Growing::commit(const model::Catalog& added, const Limits& limits) {
  inside(path_.string(), [&] { check_entries(); });
  edit_.added = &added;
  std::vector<std::byte> manifest = encoder_->edit(manifest_, edit_);
  std::optional<Region> region;
  if (encoder_->manifest_alignment > 1) {
    // Regions are an eighth larger than needed, so that the next manifests fit where former ones were.
    const auto fits = [&](const Region& one) { return one.length >= manifest.size(); };
    const auto found = std::ranges::find_if(reusable_, fits);
    if (found != reusable_.end()) {
      region = Region{found->offset, found->length};
    } else {
      const std::uint64_t length = checked::round_up(manifest.size() + manifest.size() / 8 + 64, 4096);
      region = Region{growth_->place(encoder_->manifest_alignment, length), length};
      edit_.free.push_back({region->offset, region->length});
      manifest = encoder_->edit(manifest_, edit_);
    }
  }
  model::check_index_size(manifest.size(), *encoder_, limits);
  growth_->commit(
      manifest, [&](std::uint64_t offset) { return encoder_->footer(offset, manifest); }, region,
      encoder_->manifest_alignment);
  return std::filesystem::file_size(path_);
}

}  // namespace zt::grow
