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
#include "read/pieces.h"
#include "read/slice_cache.h"
#include "source/contents.h"
#include "source/shards.h"
#include "ztensor/byte_store.h"
#include "ztensor/options.h"
#include "ztensor/progress.h"
#include "ztensor/source.h"
#include "ztensor/tensor.h"

namespace zt {

namespace source {

// Which file a source was opened from.
struct Opened {
  std::shared_ptr<const ByteStore> store;
  std::filesystem::path path;  // absolute; empty: not on disk
  std::string name;            // for messages
  // The store as a file on disk; null where it is none.
  const io::File* file() const { return dynamic_cast<const io::File*>(store.get()); }
};

}  // namespace source

// What the handles of one open source share. Immutable except for what is remembered of its contents.
struct SourceState : source::Opened {
  OpenOptions options;
  model::Catalog catalog;
  std::unique_ptr<std::atomic<bool>[]> checked;  // by part: its bytes were checked before a view was handed out
  std::unique_ptr<const source::Shards> shards;  // null: none
  std::unique_ptr<const ByteStore> owned;        // over the bytes that the catalog owns; null: none
  std::unique_ptr<read::SliceCache> slices;      // what slices leave to the next ones
  std::unique_ptr<source::Contents> contents;    // what reading has told of the elements

  // Of a Recipe's `file`. Looks for a shard when it is first needed: throws as Shards::store.
  const ByteStore& store_of(std::uint16_t number) const {
    if (number == 0) return *store;
    return number == model::kOwnedFile ? *owned : *shards->store(number - 1U);
  }
  // Nothing: the part is all of its blob, in its order.
  std::optional<model::View> view_of(const model::Recipe& recipe) const {
    if (recipe.view == model::kWhole) return std::nullopt;
    return catalog.view(recipe.view);
  }
  // How to read a part. The result borrows from this state. Throws as store_of.
  read::PartSource part_source(const model::PartRow& part, const model::Recipe& recipe) const {
    return {&store_of(recipe.file), recipe, catalog.text(part.digest), view_of(recipe), catalog.decoded_digests};
  }
  // For parts in this store. Null where what is remembered may be of other bytes than are there now.
  read::SliceCache* slice_cache(const ByteStore& from) const { return is_unchanged(from) ? slices.get() : nullptr; }
  source::Contents* contents_of(const ByteStore& from) const { return is_unchanged(from) ? contents.get() : nullptr; }
  // The same with the decoded length made known. That may take a decode, during which `progress` can stop it.
  model::Recipe measured(const model::PartRow& part, const Progress& progress = {}) const;

 private:
  static bool is_unchanged(const ByteStore& store);
};

namespace source {

// The source of an opened file whose index was decoded.
Source make_source(Opened opened, model::Catalog catalog, const OpenOptions& options);
// Decodes what `begin` opens. Another process may be growing the file: where the file has changed by the time that it
// is decoded, or was found to be wrong, it is opened anew, for about a second at most.
Source open_settled(const std::function<Opened()>& begin, const OpenOptions& options);
// "tensor 'w': part 'data'", or "part 'data' in shard 's'"
std::string place_of(const model::Catalog& catalog, std::uint32_t tensor, const model::PartRow* part);
// Runs `work`; an Error that leaves it names file, tensor and part.
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
