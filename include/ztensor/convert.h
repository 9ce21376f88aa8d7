#pragma once

#include <filesystem>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ztensor/options.h"
#include "ztensor/progress.h"

namespace zt {

struct ConvertOptions {
  WriterOptions writer = {};              // `mode` is overruled by `overwrite`; `lossy` as it says there
  std::optional<Encoding> recode = {};    // store every part so; empty: keep what the output format can hold
  std::string format = "auto";            // what the inputs must be: a format name, or "auto"
  std::vector<std::string> include = {};  // globs over tensor names; empty: all
  std::vector<std::string> exclude = {};
  bool skip_unreadable = false;
  bool overwrite = false;         // an existing output is replaced; never an input
  bool check_output = false;      // read the output back and compare it with the inputs
  bool delete_originals = false;  // after the output is complete, synced, read back and compared
  OpenOptions open = {};
  Progress progress = {};
};

struct ConvertReport {
  std::uint64_t tensors = 0;
  std::uint64_t bytes_in = 0;        // of the input files; with include or exclude, of the parts taken, as stored
  std::uint64_t bytes_out = 0;       // size of the output
  std::vector<std::string> skipped;  // "name: cause"
  std::vector<std::string> losses;   // what the format could not hold and was left out (WriterOptions::lossy)
  std::vector<std::string> notes;    // what a user should know, but is no error
};

// Puts the tensors of all inputs, in order, into one file. File attributes are kept; a name that two inputs have is
// refused (usage) with both file names. The output is checked against the inputs before anything is deleted. Refuses
// before a byte is written: an output that exists unless `overwrite` (io, EEXIST); one that is an input, also through
// links or as a shard, and suffixes this build cannot write (usage); what the format cannot hold, by name (unsupported
// "write.loss", or "write.beyond" where nothing sensible would be left of it), unless the writer is lossy. Throws also what open, read and write throw.
ZT_API ConvertReport convert(std::span<const std::filesystem::path> inputs, const std::filesystem::path& output,
                             const ConvertOptions& options = {});
ZT_API ConvertReport convert(std::initializer_list<std::filesystem::path> inputs, const std::filesystem::path& output,
                             const ConvertOptions& options = {});

}  // namespace zt
