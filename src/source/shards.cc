#include "source/shards.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "base/blocks.h"
#include "base/utf8.h"
#include "container/zt2/footer.h"
#include "container/zt2/zt2.h"
#include "hash/running.h"
#include "io/file.h"
#include "ztensor/error.h"
#include "ztensor/paths.h"

namespace zt::source {
namespace {

namespace zt2 = container::zt2;

// A data shard, or any whole file of generation 2. Bytes between its ends are not interpreted. zt-2 §8
void check_ends(const ByteStore& store) {
  std::array<std::byte, zt2::kFooterBytes> bytes;
  std::optional<zt2::Footer> footer;
  if (store.size() >= zt2::kLeastFileBytes && zt2::sniff(store, "")) {
    store.read_at(store.size() - zt2::kFooterBytes, bytes);
    footer = zt2::parse_footer(bytes);
  }
  if (!footer || footer->version != zt2::kVersion) {
    throw Error(Code::malformed, "shard.magic", "the shard is not a whole file of generation 2");
  }
}

// `place`: where a resolver expects the file; empty: nowhere.
[[noreturn]] void fail_missing(const model::FileRow& row, const std::filesystem::path& place, bool has_resolver) {
  const bool raw = row.kind == model::FileRow::Kind::raw;
  if (!place.empty()) {
    throw Error::system(ENOENT, utf8_of(place),
                        raw ? "the file is missing: put it there"
                            : "the shard is missing, and no *.zt file beside it has its " + std::to_string(row.size) +
                                  " bytes and its digest");
  }
  throw Error(Code::unsupported, "shard.missing",
              has_resolver ? "the resolver found no such shard" : "the source is not on disk: open it with a resolver");
}

}  // namespace

hash::Digest digest_of_store(const ByteStore& store, Checksum algorithm, run::Meter& meter) {
  hash::RunningDigest digest(algorithm);
  for_each_block(store, {0, store.size()}, [&](std::uint64_t, std::span<const std::byte> block) {
    digest.update(block);
    meter.add(block.size());
    return true;
  });
  return digest.finish();
}

Shards::Shards(std::span<const model::FileRow> rows, std::vector<std::shared_ptr<const Resolver>> resolvers)
    : rows_(rows), resolvers_(std::move(resolvers)), slots_(std::make_unique<Slot[]>(rows.size())) {}

// zt-2 §8
std::shared_ptr<const ByteStore> Shards::resolve(std::size_t shard) const {
  const model::FileRow& row = rows_[shard];
  const Resolver* resolver = resolvers_[shard].get();
  const ShardIdentity identity = identity_of(row);
  std::shared_ptr<const ByteStore> store = resolver != nullptr ? resolver->find(identity) : nullptr;
  if (!store) {
    fail_missing(row, resolver != nullptr ? resolver->place(identity) : std::filesystem::path(), resolver != nullptr);
  }
  const bool raw = row.kind == model::FileRow::Kind::raw;
  if (store->size() != row.size && !(raw && row.size == 0)) {
    throw Error(Code::malformed, raw ? "external.size" : "shard.size",
                std::string(raw ? "the file" : "the shard") + " has " + std::to_string(store->size()) +
                    " bytes, expected " + std::to_string(row.size));
  }
  if (row.kind == model::FileRow::Kind::zt2) check_ends(*store);
  return store;
}

const std::shared_ptr<const ByteStore>& Shards::store(std::size_t shard) const {
  Slot& slot = slots_[shard];
  if (const auto* found = slot.found.load()) return *found;
  const std::lock_guard lock(slot.looking.here());
  if (const auto* found = slot.found.load()) return *found;
  auto found = std::make_unique<const std::shared_ptr<const ByteStore>>(resolve(shard));
  slot.found = found.get();
  return *found.release();
}

std::filesystem::path Shards::path(std::size_t shard) const {
  const auto* const found = slots_[shard].found.load();
  const Resolver* resolver = resolvers_[shard].get();
  if (found == nullptr)
    return resolver != nullptr ? resolver->place(identity_of(rows_[shard])) : std::filesystem::path();
  const auto* const file = dynamic_cast<const io::File*>(found->get());
  return file == nullptr ? std::filesystem::path() : file->path();
}

// zt-2 §8
bool Shards::check(std::size_t shard, run::Meter& meter) const {
  const model::FileRow& row = rows_[shard];
  return inside("shard " + in_quotes(row.name), [&] {
    const auto wanted = hash::parse_decoded_digest(row.digest);
    const std::shared_ptr<const ByteStore> found = store(shard);
    if (row.kind == model::FileRow::Kind::raw && row.digest.empty()) return false;
    if (wanted && wanted->algorithm == Checksum::none) return false;
    const std::string digest = wanted ? hash::format_digest(digest_of_store(*found, wanted->algorithm, meter)) : "";
    if (digest == row.digest) return true;
    throw Error(Code::mismatch, "shard.digest",
                (wanted ? "the bytes of the shard have digest " + digest : "the digest has an unknown form") +
                    ", expected " + row.digest);
  });
}

}  // namespace zt::source
