#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "ztensor/options.h"
#include "ztensor/progress.h"
#include "ztensor/source.h"

namespace zt {

struct DeltaOptions {
  // Of the file to write: format 1.2 or 2, not canonical, without shards.
  WriterOptions writer = {};
  // Lists new elements, not differences: two to six times as long for bfloat16, but the changes can be read without the
  // base.
  bool patch = false;
  // The name of the base beside the new file, without a folder; empty: the base's own file name, if it is on disk.
  std::string hint = "";
  bool overwrite = false;  // an existing file is replaced
  Progress progress = {};  // counts the decoded bytes of both sources
};

struct DeltaFileReport {
  std::uint64_t tensors = 0;       // of the new file
  std::uint64_t deltas = 0;        // those that are stored as deltas
  std::uint64_t same = 0;          // those of the deltas that do not differ from the base at all
  std::uint64_t bytes_in = 0;      // decoded bytes of `next`
  std::uint64_t bytes_out = 0;     // size of the new file
  std::string base;                // the id of the base
  std::vector<std::string> notes;  // remarks for the user that are not errors
};

// Writes a file with the tensors and attributes of `next`, in which each dense tensor is stored as what changed since
// the tensor of the same name and dtype in `base` (spec/delta.md). A tensor that `base` does not have, or that is hardly
// shorter as a delta, is stored whole. Reads all of `base`, for its id. Holds one stored tensor in memory. Throws usage
// for a form that has no deltas, and for a path of `base` or `next`; io "write.exists" for an existing file; unsupported, malformed, mismatch, io as reading and writing do. A file appears only when
// it is complete.
[[nodiscard]] ZT_API DeltaFileReport write_delta(const Source& base, const Source& next,
                                                 const std::filesystem::path& path, const DeltaOptions& options = {});

}  // namespace zt
