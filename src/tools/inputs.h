#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ztensor/options.h"
#include "ztensor/source.h"
#include "ztensor/value.h"

namespace zt::tools {

// The files that a conversion or an append takes tensors from.
class Inputs {
 public:
  // Opens them, in order. Throws what open() throws.
  Inputs(std::span<const std::filesystem::path> paths, const OpenOptions& options);

  std::size_t size() const { return sources_.size(); }
  const Source& operator[](std::size_t input) const { return sources_[input]; }
  const std::filesystem::path& path(std::size_t input) const { return paths_[input]; }
  std::uint64_t stored_size() const;       // of all, shards included
  std::vector<std::string> notes() const;  // of all, each with its path

  struct Chosen {
    std::uint32_t input;
    Tensor tensor;
  };
  // The tensors that `wanted` takes, in order. One that cannot be read, or lies in a shard that is not there, is told
  // to `skip`, which may throw. Throws usage for a name that two inputs have.
  std::vector<Chosen> choose(const std::function<bool(std::string_view name)>& wanted,
                             const std::function<void(const Chosen& one, const Error& cause)>& skip) const;

 private:
  std::span<const std::filesystem::path> paths_;
  std::vector<Source> sources_;
};

// Bytes that a tensor takes to write, as Writer counts them: about. Sums of it are far from wrapping.
std::uint64_t work_of(const Tensor& tensor, bool recoded);

// File attributes of several inputs put together: of a key that two have, the first.
class MergedAttributes {
 public:
  enum class Taken { kept, differs, no_text };  // differs: from an earlier one of that key; no_text: the key is none
  Taken take(const Value& key, const Value& value);
  const Value::Map& members() const { return members_; }

 private:
  Value::Map members_;
  std::map<std::string, std::size_t, std::less<>> places_;  // of keys in members_
};

}  // namespace zt::tools
