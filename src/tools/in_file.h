#pragma once

#include <filesystem>
#include <utility>

#include "io/locked_file.h"
#include "ztensor/limits.h"
#include "ztensor/paths.h"
#include "ztensor/progress.h"
#include "ztensor/source.h"

// Helpers for work on one existing file.
namespace zt::tools {

// Runs `work`; an Error that leaves it names the file.
template <class F>
decltype(auto) in_file(const std::filesystem::path& path, F&& work) {
  try {
    return std::forward<F>(work)();
  } catch (Error& error) {
    error.enter_file(utf8_of(path));
    throw;
  }
}

// Opens a store that lies at `path`, or will lie there: shards are looked for from there.
Source open_at(std::shared_ptr<const ByteStore> store, const std::filesystem::path& path, const Limits& limits);

}  // namespace zt::tools
