#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ztensor/convert.h"

namespace cli {

// The command lines that put the tensors of some files into another: convert, compress,
// decompress, merge, migrate.
struct Transfer {
  std::vector<std::string> operands;  // inputs; without -o, the output comes last
  std::optional<std::string> output;
  zt::ConvertOptions options;
  unsigned threads = 0;
  bool quiet = false;
  bool keeps_generation = false;  // of the one input, where it is a .zt that can be written
};

void add_transfer_options(CLI::App& command, Transfer& transfer);  // operands, -o, --force, --threads, -q
void add_level(CLI::App& command, std::optional<int>& level);
void add_target(CLI::App& command, zt::ConvertOptions& options);  // --to, --lossy, and what shapes a file of format 2

// After parsing: there is -o and an input, or there are two operands. Throws CLI::ParseError. The second allows no
// more than one input.
void check_operands(const Transfer& transfer);
void check_one_operand(const Transfer& transfer);

// Does it, and says so in one line.
int run(const Transfer& transfer);

}  // namespace cli
