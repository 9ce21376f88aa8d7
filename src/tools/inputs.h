#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ztensor/options.h"
#include "ztensor/source.h"

namespace zt::tools {

// The files whose tensors a conversion or an append takes.
class Inputs {
 public:
  // Opens the files in order. `joins`: there are other tensors beside theirs, so the array of an npy file gets the name
  // of its file. Throws what open() throws.
  Inputs(std::span<const std::filesystem::path> paths, const OpenOptions& options, bool joins);

  std::size_t size() const { return sources_.size(); }
  const Source& operator[](std::size_t input) const { return sources_[input]; }
  const std::filesystem::path& path(std::size_t input) const { return paths_[input]; }
  std::uint64_t stored_size() const;       // of all files, shards included
  std::vector<std::string> notes() const;  // of all files, each with its path

  struct Chosen {
    std::uint32_t input;
    Tensor tensor;
  };
  // The tensors that `wanted` accepts, in order. A tensor that cannot be read, or whose shard is missing, goes to
  // `skip`, which may throw. Throws usage if two inputs have a tensor of the same name.
  std::vector<Chosen> choose(const std::function<bool(std::string_view name)>& wanted,
                             const std::function<void(const Chosen& one, const Error& cause)>& skip) const;

 private:
  std::span<const std::filesystem::path> paths_;
  std::vector<Source> sources_;
};

// About the number of bytes to write for a tensor, as Writer counts them. Its sums do not overflow.
std::uint64_t work_of(const Tensor& tensor, bool recoded);

}  // namespace zt::tools
