#pragma once

#include <string>
#include <vector>

#include "ztensor/progress.h"
#include "ztensor/source.h"

namespace zt {

// One thing that is wrong with a tensor, or with a shard as a whole.
struct Finding {
  std::string tensor;  // its name; "": the finding is about a shard, which the error names
  Error error;
};

struct VerifyReport {
  std::vector<std::string> checked;     // tensors whose every part has a known digest, and whose contents are right
  std::vector<std::string> undigested;  // tensors whose contents are right, but some part has no digest that we know
  std::vector<std::string> unreadable;  // tensors that are listed but cannot be read; their causes are among `findings`
  std::vector<Finding> findings;        // in the order of the file, then shards; empty: all is well
  std::vector<std::string> shards;      // with CheckOptions::shards: shards whose known digest is right
};

struct CheckOptions {
  std::vector<std::string> names = {};  // of tensors; empty: all
  bool shards = false;                  // also checks the digest of every shard of the file, used or not
  // Also finds what keeps the file from having the canonical form of format 2 (spec/zt-2.md §11). In this form the file
  // has the bytes that the canonical writer makes from its tensors and attributes. Rules "canonical.*".
  bool canonical = false;
  Progress progress = {};
};

// Checks digests and contents (zstd streams, bool bytes, sparse pointers and bounds) of the named tensors, or of all.
// Reads each of their bytes, on several threads; indices of sparse tensors twice. What is wrong with the file, a
// missing shard among it, is a finding. Throws not_found, io, cancelled.
[[nodiscard]] ZT_API VerifyReport check(const Source& source, const CheckOptions& options = {});
// As check(), but throws the first finding, except where that is only an unreadable tensor.
ZT_API VerifyReport verify(const Source& source, const CheckOptions& options = {});

}  // namespace zt
