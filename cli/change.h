#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <string>

namespace cli {

// What the commands that change an existing file share: append, remove, set, compact, repair.
struct Change {
  std::string file;
  bool durable = false;
  bool quiet = false;
  bool json = false;
};

void add_change_options(CLI::App& command, Change& change);  // --durable, --json, -q

// Prints a note if compacting `file` would free much of it: at least a quarter, and at least a MB.
void note_reclaimable(const std::string& file, std::uint64_t reclaimable, std::uint64_t size);

}  // namespace cli
