#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ztensor/options.h"
#include "ztensor/progress.h"
#include "ztensor/value.h"

// Files that are there already: growing, compacting and repairing them. To add tensors from memory, see
// WriteMode::append.
namespace zt {

struct AppendOptions {
  WriterOptions writer = {};            // `mode` is overruled; `format` and `alignment` only for a target that is made
  std::optional<Encoding> recode = {};  // store every part so; empty: keep what the target's format can hold
  bool replace = false;                 // a tensor that the target has gives way to one of its name
  bool skip_unreadable = false;
  OpenOptions open = {};
  Progress progress = {};
};

struct GrowReport {
  std::uint64_t tensors = 0;              // that were added, or removed
  std::uint64_t replaced = 0;             // of the added ones
  std::uint64_t bytes_in = 0;             // sizes of the sources, shards included; of remove(): of the file before
  std::uint64_t bytes_out = 0;            // size of the target
  std::uint64_t reclaimable = 0;          // what compact() would give back
  std::vector<std::string> skipped = {};  // "name: cause"
  std::vector<std::string> notes = {};    // what a user should know, but is no error
};

// Puts all tensors of the sources, in order, into the target, which grows in place; one that is not there is made. The
// target keeps its file attributes; one that is made takes those of the sources. Refuses before a byte is written:
// names that the target has, unless `replace`, or that two sources have (usage, with both file names); a target that is
// a source, also through links (usage); an unreadable tensor, unless `skip_unreadable`. Throws also what open, create
// and add_stored throw.
ZT_API GrowReport append(const std::filesystem::path& target, std::span<const std::filesystem::path> sources,
                         const AppendOptions& options = {});

struct RemoveOptions {
  bool durable = false;
  std::optional<std::filesystem::path> output = {};  // a new file without them, compact; the file itself stays as it is
  bool overwrite = false;                            // an existing output is replaced; never the file itself
  Limits limits = {};
  Progress progress = {};
};

// Takes tensors out of a file. Their bytes stay in it until it is compacted. Throws not_found, before anything is
// changed; what Writer::create throws; with `output`, usage for the file itself, io (EEXIST) for one that is there.
ZT_API GrowReport remove(const std::filesystem::path& path, std::span<const std::string> names,
                         const RemoveOptions& options = {});

struct AttributeEdits {
  Value::Map set = {};                     // text keys; a key that is there gets the new value
  std::vector<std::string> unset = {};     // keys that need not be there, and that `set` does not have
  std::optional<std::string> tensor = {};  // whose attributes; nothing: the file's
  bool durable = false;
};
struct AttributeReport {   // each key counts once
  std::size_t set = 0;     // also to what they were
  std::size_t unset = 0;   // that were there
  std::size_t absent = 0;  // to unset, and not there
};
// Where there is nothing to set and no key to unset, the file is left as it is. Throws not_found for a tensor that is
// not there; usage for a key to set and to unset, and for attributes that the format cannot hold; what Writer::create
// throws for a file that cannot grow or that another writer has.
ZT_API AttributeReport set_attributes(const std::filesystem::path& path, const AttributeEdits& edits);

struct CompactOptions {
  bool durable = false;
  Limits limits = {};
  Progress progress = {};
};

struct CompactReport {
  bool changed = false;  // otherwise there was nothing to give back
  std::uint64_t tensors = 0;
  std::uint64_t size_before = 0;
  std::uint64_t size_after = 0;
  std::vector<std::string> notes = {};  // what a user should know, but is no error
};

// Writes the file anew without the bytes that no tensor uses, of the same format and the alignment that its parts have
// in common, and puts that in its place once it is complete, read back, compared and synced. All else stays: names,
// order, attributes, encodings, digests, ties, references to shards (which stay where they are), and what this build
// does not know. Whoever has the old file open keeps it. Throws unsupported for formats that do not grow and for files
// with unreadable tensors, mismatch where the file's own digests are wrong, io (EWOULDBLOCK where a writer has the
// file); then the file is as it was.
ZT_API CompactReport compact(const std::filesystem::path& path, const CompactOptions& options = {});

struct RepairOptions {
  bool dry_run = false;                              // only tell what would be done
  std::optional<std::filesystem::path> output = {};  // write the repaired file there; the file itself stays as it is
  bool overwrite = false;
  bool durable = false;
  Limits limits = {};
  Progress progress = {};
};

struct RepairReport {
  enum class State {
    healthy,     // nothing to repair
    unfinished,  // whole, but an append was killed and left unused bytes at its end
    torn,        // its end is not that of a whole version, but an earlier one is in it
  };
  State state = State::healthy;
  std::string format = {};    // of the version that was found
  std::uint64_t tensors = 0;  // in it
  std::uint64_t size_before = 0;
  std::uint64_t size_after = 0;         // of the repaired file
  std::vector<std::string> notes = {};  // what a user should know
};

// Finds the last whole version of a .zt file whose end is torn: its index decodes, and every tensor's bytes are there
// and have their digests. What is behind it is cut off, or left out of `output`. Reads the file from its end, in memory
// that does not grow with it. Throws malformed "repair.nothing" when there is no whole version in the file (the message
// says what is known of it), malformed "repair.undigested" when nothing shows that what was found is no file inside a
// tensor of this one, "repair.later" when a later version has a whole index and broken contents: then nothing is
// changed, but with `output` or `dry_run` that is only a note; unsupported for other formats; io, cancelled.
ZT_API RepairReport repair(const std::filesystem::path& path, const RepairOptions& options = {});

}  // namespace zt
