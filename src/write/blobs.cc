#include "write/blobs.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "hash/digest.h"

namespace zt::write {
namespace {

constexpr std::uint64_t kChunk = std::uint64_t{1} << 20;

}  // namespace

// zstd adds at most a byte in 256, and each frame a little and its row of the seek table.
std::uint64_t stored_bound(std::uint64_t decoded, const PartOptions& options) {
  if (options.encoding.is_raw()) return decoded;
  return decoded + decoded / 256 + 128 * (decoded / read::kPieceBytes + 1);
}

const Blob* Blobs::find_same(const Blob& blob) {
  const std::uint64_t length = blob.recipe.stored_length;
  const auto [first, last] = stored_.equal_range({blob.digest, length});
  std::vector<std::byte> a(static_cast<std::size_t>(std::min(length, kChunk)));
  std::vector<std::byte> b(a.size());
  for (auto candidate = first; candidate != last; ++candidate) {
    bool same = true;
    for (std::uint64_t at = 0; same && at < length; at += a.size()) {
      const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(length - at, a.size()));
      output_.read_back(candidate->second.recipe.offset + at, std::span(a).first(step));
      output_.read_back(blob.recipe.offset + at, std::span(b).first(step));
      same = std::memcmp(a.data(), b.data(), step) == 0;
    }
    if (same) return &candidate->second;
  }
  return nullptr;
}

Blob Blobs::store(PieceSource& source, const PartOptions& options, run::Meter& meter) {
  Blob blob;
  const std::uint64_t length = source.length();
  blob.recipe.offset = output_.place(alignment_, stored_bound(length, options));
  const StoredPart stored = parts_.write(source, options, meter);
  meter.poll();
  blob.recipe.stored_length = stored.stored_length;
  blob.recipe.decoded_length = length;
  blob.recipe.coding = stored.zstd ? model::Coding::zstd : model::Coding::raw;
  blob.digest = hash::format_digest(stored.digest);
  if (!share_ || stored.zstd || length == 0 || stored.digest.algorithm == Checksum::none) return blob;
  if (const Blob* same = find_same(blob)) {
    output_.rewind(blob.recipe.offset);
    return *same;
  }
  stored_.emplace(std::pair(blob.digest, length), blob);
  return blob;
}

}  // namespace zt::write
