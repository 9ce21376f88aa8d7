#pragma once

#include <string>
#include <vector>

#include "ztensor/progress.h"
#include "ztensor/source.h"

namespace zt {

// One thing that is wrong with a tensor, or with a shard as a whole.
struct Finding {
  std::string tensor;  // "": it is about a shard, which the error names
  Error error;
};

struct VerifyReport {
  std::vector<std::string> checked;     // every part has a known digest, and all was found right
  std::vector<std::string> undigested;  // contents are right, but some part has no digest that we know
  std::vector<std::string> unreadable;  // listed, but not to be read; their causes are among `findings`
  std::vector<Finding> findings;        // in the order of the file, then shards; empty: all is well
  std::vector<std::string> shards;      // with CheckOptions::shards: have a known digest, and it was found right
};

struct CheckOptions {
  std::vector<std::string> names = {};  // of tensors; empty: all
  bool shards = false;                  // also hold every shard of the file, used or not, against its digest
  // Also find what keeps the file from being of generation 2's canonical form (spec/zt-2.md §11), which is the bytes
  // that the canonical writer gives for the same tensors and attributes. Rules "canonical.*".
  bool canonical = false;
  Progress progress = {};
};

// Checks digests and contents (zstd streams, bool bytes, sparse pointers and bounds) of the named tensors, or of all.
// Reads every byte of them, on several threads; the indices of sparse tensors twice. Throws not_found, io, cancelled.
// What is wrong with the file is a finding, and a missing shard is one too.
[[nodiscard]] ZT_API VerifyReport check(const Source& source, const CheckOptions& options = {});
// As check(), but throws the first finding that is not merely an unreadable tensor.
ZT_API VerifyReport verify(const Source& source, const CheckOptions& options = {});

}  // namespace zt
