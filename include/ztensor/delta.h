#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ztensor/changes.h"
#include "ztensor/delta_base.h"
#include "ztensor/options.h"
#include "ztensor/progress.h"
#include "ztensor/source.h"

// Exact differences between tensors (spec/delta.md). Reading a file with such tensors gives the tensors that they stand
// for: open() finds their bases, or takes them from OpenOptions::bases. Any thread may call these functions, two of them
// not with one path at once. The digests of deltas are xxh3, whatever WriterOptions::checksum says, or none.
namespace zt {

// For WriterOptions::base. Reads all of `base`, for its id. The hint is the name of its file, if it is one file on disk.
// Throws as content_id() does.
[[nodiscard]] ZT_API DeltaBase delta_base(const Source& base);

struct DeltaOptions {
  // Of the file to write: format 1.2 or 2, not canonical, without shards.
  WriterOptions writer = {};
  // Lists new elements, not differences: two to six times as long for bfloat16, but the changes can be read without the
  // base.
  bool patch = false;
  // The name of the base beside the new file, without a folder; empty: the base's own file name, if it is on disk.
  std::string hint = "";
  bool overwrite = false;  // an existing file is replaced
  Progress progress = {};  // counts the decoded bytes of the new tensors
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
// the tensor of the same name and dtype in `base`. A tensor that `base` does not have, or that is hardly shorter as a
// delta, is stored whole. Reads all of `base` twice, for its id. Holds one stored tensor in memory. Throws usage for a
// form that has no deltas, and for a path of `base` or `next`; io "write.exists" for an existing file; unsupported,
// malformed, mismatch, io as reading and writing do. A file appears only when it is complete.
[[nodiscard]] ZT_API DeltaFileReport write_delta(const Source& base, const Source& next,
                                                 const std::filesystem::path& path, const DeltaOptions& options = {});

// The source that tensors of a file are deltas over: one that the file was opened with, or the one that it names. Empty
// if no tensor is over another file. Finds the base of each tensor, which reads a piece of it or nothing. Throws not_found
// "delta.base.missing", unsupported where there are several.
[[nodiscard]] ZT_API std::optional<Source> base_of(const Source& source);

// Writes one file of deltas that reads as the last of `deltas` does, and that is over the base of the first one: each of
// them is over the one before it. Reads the base and the result. `open`: how the files are opened; its bases may hold the
// base of the first one. Throws as write_delta() and base_of() do, and usage where the first file has no base.
[[nodiscard]] ZT_API DeltaFileReport fold_deltas(std::span<const std::filesystem::path> deltas,
                                                 const std::filesystem::path& path, const DeltaOptions& options = {},
                                                 const OpenOptions& open = {});

struct ApplyOptions {
  // Decodes all of every delta, with its base, before anything is published. Otherwise one piece of each tensor: where
  // the base or the delta is wrong in another piece, the tensor can be read neither as it was nor as it should be.
  bool verify = false;
  bool durable = false;  // syncs the file
  unsigned threads = 0;  // as in OpenOptions
  Limits limits = {};
  Progress progress = {};  // counts the decoded bytes of the tensors of the delta
};

struct ApplyReport {
  std::uint64_t tensors = 0;  // of the file
  std::uint64_t deltas = 0;   // tensors that are now stored as deltas over what they were
  std::uint64_t whole = 0;    // tensors that were added as they are
  std::uint64_t removed = 0;
  std::uint64_t bytes_in = 0;      // size of the file before
  std::uint64_t bytes_out = 0;     // and after
  std::vector<std::string> notes;  // remarks for the user that are not errors
};

// Makes the file at `path` what `delta` stands for, by appending: a tensor that changed becomes a delta over its former
// self, which stays in the file and is hidden. A second delta replaces the first one. No byte that readers use changes;
// a reader that has the file open keeps the former version. compact() drops bases that are no longer needed; converting
// the file makes all tensors whole. `delta`: a file of deltas over the file at `path`. Takes time in proportion to what
// changed and to the tensors that `delta` holds whole; a tensor that is a delta already is read and encoded anew. Throws
// usage if the files are one, if `delta` has no deltas over another file, and if it has a tensor of the name of a hidden
// one; mismatch "delta.base.check" if it was made over another file; unsupported "write.grow" for a file that cannot
// grow; otherwise as Writer does.
[[nodiscard]] ZT_API ApplyReport apply_delta(const std::filesystem::path& path, const std::filesystem::path& delta,
                                             const ApplyOptions& options = {});

}  // namespace zt
