#include "tools/rewrite.h"

#include <algorithm>
#include <functional>

#include "base/blocks.h"
#include "base/utf8.h"
#include "io/publish.h"
#include "model/bases.h"
#include "source/access.h"
#include "source/formats.h"
#include "source/state.h"
#include "tools/compare.h"
#include "write/output.h"
#include "ztensor/paths.h"
#include "ztensor/shards.h"

namespace zt::tools {
namespace {

// A complete file that has no name yet.
class StagedStore final : public ByteStore {
 public:
  StagedStore(const io::Publication& file, std::uint64_t size) : file_(file), size_(size) {}
  std::uint64_t size() const override { return size_; }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override { file_.read_back(offset, out); }

 private:
  const io::Publication& file_;
  std::uint64_t size_;
};

bool is_elsewhere(const Part& part) { return part.file_number() != 0; }

bool is_delta(const Part& part) { return source::row_of(part).recipe.coding.is_delta(); }

bool same_stored(const Part& a, const Part& b, run::Meter& meter) {
  constexpr std::uint64_t kBlock = std::uint64_t{1} << 20;
  const model::Recipe &from = source::row_of(a).recipe, &to = source::row_of(b).recipe;
  if (from.stored_length != to.stored_length || from.coding != to.coding) return false;
  std::vector<std::byte> left, right;
  for (std::uint64_t done = 0; done < from.stored_length; done += left.size()) {
    left.resize(static_cast<std::size_t>(std::min(kBlock, from.stored_length - done)));
    right.resize(left.size());
    Access::state(a)->store_of(from).read_at(from.offset + done, left);
    Access::state(b)->store_of(to).read_at(to.offset + done, right);
    if (left != right) return false;
    meter.add(left.size());
    meter.poll();
  }
  return true;
}

// The bytes to read of each of two sources to compare these tensors.
std::uint64_t work_of(const std::vector<Tensor>& tensors) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 40;  // sums stay far below 64 bits
  std::uint64_t work = 0;
  for (const Tensor& tensor : tensors) {
    for (std::size_t i = 0; i < tensor.parts(); ++i) {
      const Part part = tensor.part(i);
      if (is_delta(part)) {
        work += std::min(part.stored_length(), kMost);
        continue;
      }
      if (!is_elsewhere(part)) work += std::min(part.length().value_or(part.stored_length()), kMost);
    }
  }
  return work;
}

}  // namespace

Rewrite::Rewrite(const Source& source, std::set<std::string, std::less<>> removed, const Limits& limits)
    : source_(source), removed_(std::move(removed)), limits_(limits), encoder_(source::find_encoder(source.format())) {
  if (encoder_ == nullptr || encoder_->grower == nullptr) {
    throw Error(Code::unsupported, "write.grow",
                "a file of format " + std::string(source.format()) + " cannot be changed: convert it first");
  }
  const SourceState& state = *Access::state(source);
  model::check_bases_stay(state.catalog, removed_);
  removed_.merge(model::unused_bases(state.catalog, removed_));
  check_readable();
  const Region live = state.catalog.manifest;
  std::vector<std::byte> manifest(static_cast<std::size_t>(live.length));
  state.store->read_at(live.offset, manifest);
  const model::Catalog nothing;
  model::ManifestEdit edit;
  edit.added = &nothing;
  edit.removed = removed_;
  plan(encoder_->grower->edit(manifest, edit).bytes);  // also drops what the manifest says of free regions
}

// Hidden tensors, too.
std::vector<Tensor> Rewrite::kept() const {
  const std::shared_ptr<const SourceState>& state = Access::state(source_);
  std::vector<Tensor> tensors;
  for (std::uint32_t row = 0; row < state->catalog.size(); ++row) {
    if (!removed_.contains(state->catalog.text(state->catalog.tensor(row).name))) {
      tensors.push_back(Access::tensor(state, row));
    }
  }
  return tensors;
}

void Rewrite::check_readable() {
  std::string names;
  std::size_t count = 0;
  for (const Tensor& tensor : kept()) {
    if (source_.find(tensor.name())) ++tensors_;
    if (!tensor.unreadable()) continue;
    if (++count <= 3) names += (names.empty() ? "" : ", ") + in_quotes(tensor.name());
  }
  if (count == 0) return;
  if (count > 3) names += " and " + std::to_string(count - 3) + " more";
  throw Error(Code::unsupported, "compact.unreadable",
              "tensors that cannot be read would be lost: " + names + ": remove them first");
}

void Rewrite::plan(std::span<const std::byte> manifest) {
  const model::Grower& grower = *encoder_->grower;
  std::vector<Region> parts;
  grower.relocate(manifest, [&](Region part) {
    parts.push_back(part);
    return part.offset;
  });
  packing_.emplace(std::move(parts), *encoder_, Access::state(source_)->catalog.manifest);
  manifest_ = grower.relocate(manifest, [&](Region part) { return packing_->place_of(part); });
  size_ = packing_->size(manifest_.size());
}

std::uint64_t Rewrite::work() const {
  std::uint64_t copied = 0;
  for (const grow::Move& move : packing_->moves()) copied += move.from.length;
  return copied + work_of(kept());
}

std::vector<std::string> Rewrite::publish(const Target& target, run::Meter& meter,
                                          const std::function<void()>& last) const {
  auto file = std::make_unique<io::Publication>(
      target.path, io::PublishOptions{.create_new = target.create_new, .durable = target.durable});
  io::Publication& publication = *file;
  write::Output output{std::unique_ptr<io::WritableFile>(std::move(file))};
  output.write(encoder_->head());
  const ByteStore& store = *Access::state(source_)->store;
  for (const grow::Move& move : packing_->moves()) {
    output.place(packing_->alignment(), move.from.length);
    output.expect(move.from.length);
    for_each_block(store, move.from, [&](std::uint64_t, std::span<const std::byte> block) {
      output.write(block);
      meter.add(block.size());
      meter.poll();
      return true;
    });
  }
  output.place(packing_->manifest_alignment(), manifest_.size());
  output.write(manifest_);
  output.write(encoder_->footer(packing_->manifest_offset(), manifest_));
  output.flush();
  check(std::make_shared<StagedStore>(publication, size_), utf8_of(target.path), meter);
  last();
  publication.publish();
  std::vector<std::string> notes = publication.notes();
  for (std::string& note : notes) note.insert(0, utf8_of(target.path) + ": ");
  return notes;
}

// Reads back and compares every byte before the new file gets a name.
void Rewrite::check(const std::shared_ptr<const ByteStore>& written, const std::string& name, run::Meter& meter) const {
  OpenOptions options;
  options.limits = limits_;
  const Source found = open(written, name, options);
  const auto differs = [&](const std::string& what) {
    throw Error(Code::mismatch, "convert.readback",
                name + ": " + what + " differs between what was written and what was read back");
  };
  if (found.size() != tensors_) differs("the number of tensors");
  if (!std::ranges::equal(found.attributes_cbor(), source_.attributes_cbor())) differs("the file's attributes");
  const std::shared_ptr<const SourceState>& state = Access::state(found);
  for (const Tensor& tensor : kept()) {
    std::vector<Difference> differences;
    std::vector<PartPair> pairs;
    const auto row = state->catalog.find(tensor.name());
    if (!row) differs("tensor " + in_quotes(tensor.name()));
    const Tensor copy = Access::tensor(state, *row);
    compare_metadata(tensor, copy, differences, pairs);
    for (const PartPair& pair : pairs) {
      if (pair.a.digest() != pair.b.digest() || pair.a.file_number() != pair.b.file_number()) differs("a digest");
      if (is_elsewhere(pair.a) || !differences.empty()) continue;
      if (is_delta(pair.a)) {
        if (!same_stored(pair.a, pair.b, meter)) differs("tensor " + in_quotes(tensor.name()));
        continue;
      }
      if (auto difference = compare_contents(tensor, pair, meter)) differences.push_back(std::move(*difference));
    }
    if (!differences.empty()) differs("tensor " + in_quotes(tensor.name()));
    meter.poll();
  }
}

}  // namespace zt::tools
