#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/file.h"
#include "model/catalog.h"
#include "read/delta_store.h"
#include "read/pieces.h"
#include "read/slice_cache.h"
#include "run/per_process.h"
#include "source/contents.h"
#include "source/delta_bases.h"
#include "source/shards.h"
#include "ztensor/byte_store.h"
#include "ztensor/options.h"
#include "ztensor/progress.h"
#include "ztensor/source.h"
#include "ztensor/tensor.h"

namespace zt {

namespace source {

// The file that a source was opened from.
struct Opened {
  std::shared_ptr<const ByteStore> store;
  std::filesystem::path path;  // absolute; empty: not on disk
  std::string name;            // for messages
  // The store as a file on disk; null if it is not one.
  const io::File* file() const { return dynamic_cast<const io::File*>(store.get()); }
};

}  // namespace source

// The state that the handles of one open source share. Immutable except for what it remembers of contents.
struct SourceState : source::Opened {
  SourceState() = default;
  SourceState(const SourceState&) = delete;
  SourceState& operator=(const SourceState&) = delete;
  ~SourceState() { delete ties.load(); }

  OpenOptions options;
  model::Catalog catalog;
  std::unique_ptr<std::atomic<bool>[]> checked;      // one for each part: its bytes were checked for a view
  std::unique_ptr<const source::Shards> shards;      // null: none
  std::unique_ptr<const ByteStore> owned;            // a store of the bytes that the catalog owns
  std::unique_ptr<source::Contents> contents;        // what reading has told about the elements
  mutable run::PerProcess<read::SliceCache> slices;  // what slices leave to the next slices
  mutable run::PerProcess<read::DeltaCache> deltas;  // what deltas leave to the next deltas
  mutable run::PerProcess<source::DeltaBases> bases;
  // Source::ties(), once it was asked for. There is no lock, which a fork could leave held.
  mutable std::atomic<const std::vector<std::size_t>*> ties = nullptr;

  // `number`: the `file` of a Recipe. Looks for a shard when it is first needed. Throws as Shards::store.
  const ByteStore& store_of(std::uint16_t number) const {
    if (number == 0) return *store;
    return number == model::kOwnedFile ? *owned : *shards->store(number - 1U);
  }
  // The store that has the stored bytes. Throws malformed "external.bounds", too.
  const ByteStore& store_of(const model::Recipe& recipe) const;
  // Empty: the part is all of its blob, in the order of the blob.
  std::optional<model::View> view_of(const model::Recipe& recipe) const {
    if (recipe.view == model::kWhole) return std::nullopt;
    return catalog.view(recipe.view);
  }
  // How to read a part. The result borrows from this state. A delta is shown as raw bytes in a store that decodes them.
  // Throws as store_of, and for a delta not_found "delta.base.missing", malformed "delta.*", limit "delta.base.depth".
  read::PartSource part_source(const model::PartRow& part, const model::Recipe& recipe) const {
    if (recipe.coding.is_delta()) return source::delta_source(*this, part);
    return {&store_of(recipe), recipe, catalog.text(part.digest), view_of(recipe), catalog.decoded_digests};
  }
  // For parts in the store `from`. Null if the store may have changed: then remembered values are not valid.
  read::SliceCache* slice_cache(const ByteStore& from) const { return is_unchanged(from) ? &slices.here() : nullptr; }
  source::Contents* contents_of(const ByteStore& from) const { return is_unchanged(from) ? contents.get() : nullptr; }
  // The recipe with a known decoded length. It may decode the part to count, and `progress` can stop this.
  model::Recipe measured(const model::PartRow& part, const Progress& progress = {}) const;

 private:
  static bool is_unchanged(const ByteStore& store);
};

namespace source {

// Detects the format and decodes the index. An Error names the file. `manifest`: gets the manifest of a file that can
// grow; null: not wanted.
model::Catalog decode(const Opened& opened, const Limits& limits, std::vector<std::byte>* manifest = nullptr);
// Makes the source of an opened file and its decoded index. `resolvers`: one for each other file of the catalog; none:
// those that the options, or the place of the file, give.
Source make_source(Opened opened, model::Catalog catalog, const OpenOptions& options,
                   std::vector<std::shared_ptr<const Resolver>> resolvers = {});
// Decodes the file that `begin` opens. Another process may be growing it: if the file has changed by the end of
// decoding, it is opened again, for about a second at most.
Source open_settled(const std::function<Opened()>& begin, const OpenOptions& options);
// "tensor 'w': part 'data'", or "part 'data' in shard 's'"
std::string place_of(const model::Catalog& catalog, std::uint32_t tensor, const model::PartRow* part);
// Runs `work`. An Error that leaves it names file, tensor and part.
template <class F>
decltype(auto) located(const SourceState& state, std::uint32_t tensor, const model::PartRow* part, F&& work) {
  try {
    return std::forward<F>(work)();
  } catch (Error& error) {
    error.enter(place_of(state.catalog, tensor, part));
    error.enter_file(state.name);
    throw;
  }
}
// The fault as an error that names file and tensor.
Error fault_error(const SourceState& state, std::uint32_t tensor, const model::Fault& fault);

}  // namespace source
}  // namespace zt
