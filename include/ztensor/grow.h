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
  // How tensors are written. A target that is made is made so; a target that grows must have the format and alignment
  // that are given here, if any are. Its attributes are added to those of the target.
  WriterOptions writer = {};
  std::optional<Encoding> recode = {};  // stores every part so; empty: keeps what the target's format can hold
  bool replace = false;                 // removes a tensor of the target that has the name of an appended one
  bool skip_unreadable = false;         // leaves out tensors that cannot be read; otherwise such a tensor is an error
  OpenOptions open = {};                // of the sources, and of the target
  Progress progress = {};               // counts bytes taken
};

struct ChangeReport {
  std::uint64_t tensors = 0;              // appended, or removed
  std::uint64_t replaced = 0;             // of the appended ones
  std::uint64_t bytes_in = 0;             // append_files: of the sources, shards included; remove_tensors: of the file
  std::uint64_t bytes_out = 0;            // size of the target
  std::uint64_t reclaimable = 0;          // bytes of the target that compact() would give back
  std::vector<std::string> skipped = {};  // "name: cause"
  std::vector<std::string> notes = {};    // what a user should know, but is no error
};

// Writes all tensors of the source files, in order, into the target, which grows in place. Makes a target that is not
// there. A target that grows keeps its file attributes; a target that is made gets those of the sources.
//
// Before it writes a byte, it refuses: a name that the target has, unless `replace`, and a name that two sources have
// (usage; the message has both file names); a target that is also a source, also through links (usage); an unreadable
// tensor, unless `skip_unreadable`. Throws also what open(), Writer::create() and Writer::add_stored() throw.
ZT_API ChangeReport append_files(const std::filesystem::path& target, std::span<const std::filesystem::path> sources,
                                 const AppendOptions& options = {});

struct RemoveOptions {
  bool durable = false;                              // syncs the file, or the output and its folder
  std::optional<std::filesystem::path> output = {};  // writes a compact copy without them; the file stays as it is. Its
                                                     // name must not be that of another format
  bool overwrite = false;                            // replaces an existing output; never the file itself
  Limits limits = {};
  Progress progress = {};  // counts bytes of the output
};

// Takes the named tensors out of a file. Their bytes stay in the file until it is compacted. Throws not_found before it
// changes anything, and what Writer::create() throws; with `output` usage where that is the file itself, and io
// (EEXIST) where it exists.
ZT_API ChangeReport remove_tensors(const std::filesystem::path& path, std::span<const std::string> names,
                                   const RemoveOptions& options = {});

struct AttributeEdits {
  Value::Map set = {};                     // text keys; a key that is there gets the new value
  std::vector<std::string> unset = {};     // keys to remove, if they are there; none of them may be in `set`
  std::optional<std::string> tensor = {};  // whose attributes; empty: those of the file
  bool durable = false;                    // syncs the file
};
struct AttributeReport {   // each key counts once
  std::size_t set = 0;     // also to the value they had
  std::size_t unset = 0;   // removed
  std::size_t absent = 0;  // to remove, but not there
};
// Changes single attributes of a file or of one tensor. Leaves the file untouched where there is nothing to set and no
// key to remove. Throws not_found for a tensor that is not there; usage for a key that is both set and unset, and for
// attributes that the format cannot hold; what Writer::create() throws for a file that cannot grow or that another
// writer has.
ZT_API AttributeReport set_attributes(const std::filesystem::path& path, const AttributeEdits& edits);

struct CompactOptions {
  bool durable = false;  // syncs the folder, too; the file is always synced
  Limits limits = {};
  Progress progress = {};
};

struct CompactReport {
  bool changed = false;  // false: there was nothing to give back
  std::uint64_t tensors = 0;
  std::uint64_t size_before = 0;
  std::uint64_t size_after = 0;
  std::vector<std::string> notes = {};  // what a user should know, but is no error
};

// Writes a file anew without the bytes that no tensor uses, and puts the new file in its place when it is complete,
// read back, compared and synced. The new file has the same format, and the alignment that all parts have in common. It
// keeps names, order, attributes, encodings, digests, ties, references to shards (whose bytes stay where they are), and
// metadata that this build does not know. Whoever has the old file open keeps it. Throws unsupported for formats that
// do not grow and for files with unreadable tensors, mismatch where the file's own digests are wrong, io (EWOULDBLOCK
// where a writer has the file); then the file is as it was.
ZT_API CompactReport compact(const std::filesystem::path& path, const CompactOptions& options = {});

struct RepairOptions {
  bool dry_run = false;  // only reports what it would do
  std::optional<std::filesystem::path> output =
      {};                  // writes the repaired file there, also a healthy one; the file stays as it is
  bool overwrite = false;  // replaces an existing output
  bool durable = false;
  Limits limits = {};
  Progress progress = {};
};

struct RepairReport {
  enum class State {
    healthy,     // there is nothing to repair
    unfinished,  // the file is whole, but a killed append left unused bytes at its end
    torn,        // the end of the file is damaged, but the file contains an earlier whole version
  };
  State state = State::healthy;
  std::string format = {};    // of the version that was found
  std::uint64_t tensors = 0;  // in that version
  std::uint64_t size_before = 0;
  std::uint64_t size_after = 0;         // of the repaired file
  std::vector<std::string> notes = {};  // what a user should know
};

// Finds the last whole version in a .zt file whose end is damaged, and cuts off what follows it, or leaves that out of
// `output`. A version is whole if its index decodes, and the bytes of every tensor are there and have their digests.
// Reads the file from its end; the memory this takes does not grow with the file.
//
// Throws malformed, and changes nothing:
// - "repair.nothing" when the file contains no whole version; the message says what is known of it;
// - "repair.undigested" when the version found has no digests, so it could be a .zt file stored inside a tensor;
//   `output` or `dry_run` allow that;
// - "repair.later" when a later version has a whole index and broken contents; with `output` or `dry_run` this is a
//   note.
//
// Throws also unsupported for other formats; io, cancelled.
ZT_API RepairReport repair(const std::filesystem::path& path, const RepairOptions& options = {});

}  // namespace zt
