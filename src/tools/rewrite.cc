#include "tools/rewrite.h"

#include <algorithm>
#include <functional>

#include "base/blocks.h"
#include "base/utf8.h"
#include "io/publish.h"
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

// The bytes to read of each of two sources to compare them.
std::uint64_t work_of(const Source& source, const std::set<std::string, std::less<>>& removed) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 40;  // sums stay far below 64 bits
  std::uint64_t work = 0;
  for (const Tensor tensor : source) {
    if (removed.contains(tensor.name())) continue;
    for (std::size_t i = 0; i < tensor.parts(); ++i) {
      const Part part = tensor.part(i);
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
  check_readable();
  const SourceState& state = *Access::state(source);
  const Region live = state.catalog.manifest;
  std::vector<std::byte> manifest(static_cast<std::size_t>(live.length));
  state.store->read_at(live.offset, manifest);
  const model::Catalog nothing;
  model::ManifestEdit edit;
  edit.added = &nothing;
  edit.removed = removed_;
  plan(encoder_->grower->edit(manifest, edit).bytes);  // also drops what the manifest says of free regions
}

void Rewrite::check_readable() {
  std::string names;
  std::size_t count = 0;
  for (const Tensor tensor : source_) {
    if (removed_.contains(tensor.name())) continue;
    ++tensors_;
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
  return copied + work_of(source_, removed_);
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
  for (const Tensor tensor : source_) {
    if (removed_.contains(tensor.name())) continue;
    std::vector<Difference> differences;
    std::vector<PartPair> pairs;
    const Tensor copy = found.tensor(tensor.name());
    compare_metadata(tensor, copy, differences, pairs);
    for (const PartPair& pair : pairs) {
      if (pair.a.digest() != pair.b.digest() || pair.a.file_number() != pair.b.file_number()) differs("a digest");
      if (is_elsewhere(pair.a) || !differences.empty()) continue;
      if (auto difference = compare_contents(tensor, pair, meter)) differences.push_back(std::move(*difference));
    }
    if (!differences.empty()) differs("tensor " + in_quotes(tensor.name()));
    meter.poll();
  }
}

}  // namespace zt::tools
