#pragma once

#include <filesystem>
#include <utility>

#include "io/locked_file.h"
#include "ztensor/limits.h"
#include "ztensor/progress.h"
#include "ztensor/source.h"

// What is done to one file that is there already.
namespace zt::tools {

// An Error that leaves `work` names the file.
template <class F>
decltype(auto) in_file(const std::filesystem::path& path, F&& work) {
  try {
    return std::forward<F>(work)();
  } catch (Error& error) {
    error.enter_file(path.string());
    throw;
  }
}

// A store that lies, or is to lie, at a path: shards are looked for where they are of that.
Source open_at(std::shared_ptr<const ByteStore> store, const std::filesystem::path& path, const Limits& limits);

}  // namespace zt::tools
