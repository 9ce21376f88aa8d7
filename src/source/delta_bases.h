#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "model/catalog.h"
#include "read/delta_store.h"
#include "read/part_source.h"
#include "ztensor/source.h"

namespace zt {
struct SourceState;
}

namespace zt::source {

inline constexpr std::size_t kMostBases = 8;    // levels of deltas below a part
inline constexpr std::size_t kMostLabels = 64;  // files with bases that one file names

// What the attributes of a file say of a base: its id, and the name of a file beside this one, or "".
struct BaseEntry {
  std::string id;
  std::string hint;
};

// What one source has found of the bases of its deltas. Each is looked for when it is first needed. Failures are not
// remembered, so a later call may succeed.
struct DeltaBases {
  struct Found {
    std::shared_ptr<const SourceState> owner;  // of the base; null: the source itself
    std::shared_ptr<const Found> below;        // of a base that is a delta
    std::unique_ptr<const read::DeltaStore> store;
    std::size_t levels = 1;  // this delta, and the deltas below it
  };
  std::mutex mutex;  // guards the members below, and is never held while looking
  // By the file, this one or a base, and the part.
  std::map<std::pair<const SourceState*, std::uint32_t>, std::shared_ptr<const Found>> parts;
  std::map<std::string, std::shared_ptr<const SourceState>> files;  // by label: those that the file itself names
  std::map<std::string, BaseEntry> entries;                         // by label
  // By store, offset, stored and decoded length. Tensors that share a part share its pieces.
  std::map<std::tuple<const ByteStore*, std::uint64_t, std::uint64_t, std::uint64_t>, read::DeltaPieces> pieces;
};

// How to read a part that is stored as a delta: as raw bytes of a store that decodes them. The result borrows from the
// state. Throws as SourceState::part_source.
read::PartSource delta_source(const SourceState& state, const model::PartRow& part);

// Whether a file may name its base so: "", or a name in the same folder.
bool is_hint(std::string_view hint);
// Throws malformed "delta.base", limit "delta.base.labels".
BaseEntry base_entry(const SourceState& state, const std::string& label);

// How many deltas a part is, one over another: 0 where it is none. Throws as delta_source().
std::size_t levels_of(const SourceState& state, const model::PartRow& part);

// The source that a delta is directly over; null if the base is in the same file. Throws as delta_source().
std::shared_ptr<const SourceState> owner_of_base(const SourceState& state, const model::PartRow& part);
// Holds the base against the pieces of a delta, and decodes them: all of them, or up to the first that has a base. Throws
// mismatch "delta.base.check", "delta.result.check", and as delta_source() and reading do.
void check_pieces(const SourceState& state, const model::PartRow& part, bool all);
// Whether all pieces are those of the base. Reads the table of the part.
bool changes_nothing(const SourceState& state, const model::PartRow& part);
// What piece `number` of a delta changes, of `size` decoded bytes. Looks for the base only if the piece has differences.
// Throws as delta_source() and as reading do.
codec::DeltaChanges piece_changes(const SourceState& state, const model::PartRow& part, std::size_t number,
                                  std::size_t size);

}  // namespace zt::source
