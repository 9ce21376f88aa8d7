#include "write/part_layout.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "codec/codecs.h"
#include "hash/digest.h"

namespace zt::write {
namespace {

constexpr std::uint64_t kComparedBlock = std::uint64_t{1} << 20;

}  // namespace

std::uint64_t stored_bound(std::uint64_t decoded, const PartOptions& options) {
  return codec::row_of(options.encoding.codec()).bound(decoded);
}

const StoredPart* PartLayout::find_same(const StoredPart& part) {
  const std::uint64_t length = part.recipe.stored_length;
  const auto [first, last] = stored_.equal_range({part.digest, length});
  std::vector<std::byte> a(static_cast<std::size_t>(std::min(length, kComparedBlock)));
  std::vector<std::byte> b(a.size());
  for (auto candidate = first; candidate != last; ++candidate) {
    bool same = true;
    for (std::uint64_t at = 0; same && at < length; at += a.size()) {
      const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(length - at, a.size()));
      output_.read_back(candidate->second.recipe.offset + at, std::span(a).first(step));
      output_.read_back(part.recipe.offset + at, std::span(b).first(step));
      same = std::memcmp(a.data(), b.data(), step) == 0;
    }
    if (same) return &candidate->second;
  }
  return nullptr;
}

StoredPart PartLayout::store(Pieces& pieces, const PartOptions& options, run::Meter& meter) {
  StoredPart part;
  const std::uint64_t length = pieces.length();
  model::Member member = options.member;
  member.length = length;
  if (options.archive != nullptr) output_.write(options.archive->front(member, output_.position()));
  part.recipe.offset = output_.place(alignment_, stored_bound(length, options));
  const WrittenPart written = parts_.write(pieces, options, meter);
  if (options.archive != nullptr) output_.write(options.archive->back(member, written.digest.crc));
  meter.poll();
  return finish(std::move(part), written, length);
}

// Completes a part that begins at its offset. Takes its bytes back if the file has the same ones already.
StoredPart PartLayout::finish(StoredPart part, const WrittenPart& written, std::uint64_t length) {
  part.recipe.stored_length = written.stored_length;
  part.recipe.decoded_length = length;
  part.recipe.coding = written.coding;
  part.digest = hash::format_digest(written.digest);
  if (!share_ || !written.coding.is_raw() || length == 0 || written.digest.algorithm == Checksum::none) return part;
  if (const StoredPart* same = find_same(part)) {
    output_.rewind(part.recipe.offset);
    return *same;
  }
  stored_.emplace(std::pair(part.digest, length), part);
  return part;
}

class PartLayout::Stream final : public PartStream {
 public:
  Stream(PartLayout& layout, const PartOptions& options, std::optional<std::uint64_t> length, run::Meter& meter)
      : layout_(layout), meter_(meter) {
    // A file that grows takes room as the bytes come, since they may be fewer than announced.
    if (layout.output_.is_growing_file()) length.reset();
    part_.recipe.offset = layout.output_.place(layout.alignment_, stored_bound(length.value_or(0), options));
    layout.parts_.open(options, length, meter);
  }
  void write(std::span<const std::byte> bytes) override {
    layout_.parts_.feed(bytes);
    length_ += bytes.size();
    meter_.poll();
  }
  StoredPart end() override { return layout_.finish(part_, layout_.parts_.close(), length_); }
  // What went to a sink cannot be taken back: it stays as bytes that no tensor uses.
  void drop() override {
    if (layout_.output_.is_file()) layout_.output_.rewind(part_.recipe.offset);
  }

 private:
  PartLayout& layout_;
  run::Meter& meter_;
  StoredPart part_;
  std::uint64_t length_ = 0;
};

std::unique_ptr<PartStream> PartLayout::stream(const PartOptions& options, std::optional<std::uint64_t> length,
                                               run::Meter& meter) {
  if (options.archive != nullptr) return nullptr;
  return std::make_unique<Stream>(*this, options, length, meter);
}

}  // namespace zt::write
