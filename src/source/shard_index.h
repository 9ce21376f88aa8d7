#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ztensor/byte_store.h"
#include "ztensor/limits.h"

// The index of a model in several files, as model hubs have it: `model.safetensors.index.json`.
namespace zt::source {

struct ShardIndex {
  std::vector<std::pair<std::string, std::string>> tensors;  // name, and the file that has the tensor
  std::vector<std::string> files;                            // each once, in the order of their first tensors
};

// `name`: of the index; all its files must be of the kind that the name tells. Throws malformed, unsupported and
// refused "index.*", "json.*"; limit; io.
ShardIndex read_shard_index(const ByteStore& store, std::string_view name, const Limits& limits);

}  // namespace zt::source
