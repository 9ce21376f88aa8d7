#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ztensor/options.h"
#include "ztensor/progress.h"

namespace zt {

struct ConvertOptions {
  WriterOptions writer = {};            // of the output; its attributes come before those of the inputs
  std::optional<Encoding> recode = {};  // stores every part so; empty: keeps what the output can hold, except planes
  // What each input must be: a format name as Source::format() gives it, also without "zt-", or "auto" for any format.
  // WriterOptions::to says what is written.
  std::string from = "auto";
  std::vector<std::string> include = {};  // globs over tensor names; empty: all
  std::vector<std::string> exclude = {};  // globs over tensor names; they outweigh `include`
  std::vector<std::string> names = {};    // the tensors to take, in addition to the globs; empty: all
  // Takes also the small JSON files beside each input, such as config.json: each becomes an attribute of the file, under
  // the file's name.
  bool with_config = false;
  bool skip_unreadable = false;   // leaves out tensors that cannot be read; otherwise such a tensor is an error
  bool overwrite = false;         // replaces an existing output; never an input
  bool check_output = false;      // reads the output back and compares it with the inputs
  bool delete_originals = false;  // deletes the inputs once the output is complete, synced, read back and compared
  OpenOptions open = {};          // of the inputs, and of the output when it is read back
  Progress progress = {};         // counts bytes written, then bytes compared
};

struct ConvertReport {
  std::uint64_t tensors = 0;         // written
  std::uint64_t bytes_in = 0;        // of the input files; with include or exclude, of the parts taken, as stored
  std::uint64_t bytes_out = 0;       // size of the output, its shards included
  std::vector<std::string> skipped;  // "name: cause"
  std::vector<std::string> losses;   // what the format could not hold and was left out (WriterOptions::lossy)
  std::vector<std::string> notes;    // what a user should know, but is no error
};

// Whether a glob of `include` or `exclude` matches a name. * matches any run of bytes, ? one byte, [a-z] and [!a-z] one
// byte of a set, and \ the next byte literally. Dots and slashes are ordinary bytes.
ZT_API bool matches_glob(std::string_view glob, std::string_view name);

// Writes the tensors of all inputs, in order, into one new file. Keeps the attributes of the files; where two inputs
// have different values for one key, keeps the first and says so in `notes`. Compares the output with the inputs before
// it deletes anything.
//
// Before it writes a byte, it refuses:
// - a tensor name that two inputs have (usage; the message has both file names);
// - an output that exists, unless `overwrite` (io, EEXIST), and one that is an input, also through links or as a shard
//   (usage);
// - a suffix of the output that this build cannot write (usage);
// - a name in `names` that no input has (not_found);
// - what the output's format cannot hold, by name: unsupported "write.loss", unless the writer is lossy, and
//   "write.beyond" where nothing sensible would be left.
//
// Throws also what open(), reads and Writer throw.
ZT_API ConvertReport convert(std::span<const std::filesystem::path> inputs, const std::filesystem::path& output,
                             const ConvertOptions& options = {});
ZT_API ConvertReport convert(std::initializer_list<std::filesystem::path> inputs, const std::filesystem::path& output,
                             const ConvertOptions& options = {});

}  // namespace zt
