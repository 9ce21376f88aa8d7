#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ztensor/convert.h"

namespace cli {

// The commands that put the tensors of some files into another file: convert, compress, decompress, merge, migrate.
struct Transfer {
  std::vector<std::string> operands;  // inputs; without -o, the output comes last
  std::optional<std::string> output;
  zt::ConvertOptions options;
  unsigned threads = 0;
  bool quiet = false;
  bool keeps_generation = false;  // OUT gets the generation of the one input, if we can write this generation
};

void add_transfer_options(CLI::App& command, Transfer& transfer);  // operands, -o, --force, --threads, -q
// Adds --float.
void add_float(CLI::App& command, bool& is_float);
// The encoding that the options ask for, if any.
std::optional<zt::Encoding> encoding_of(bool compress, bool is_float, std::optional<int> level);
void add_level(CLI::App& command, std::optional<int>& level);
void add_target(CLI::App& command, zt::ConvertOptions& options);  // --to, --lossy, --not-canonical, --max-shard-size

// After parsing, checks that there are -o and an input, or two operands. The second function allows only one input.
// Both throw CLI::ParseError.
void check_operands(const Transfer& transfer);
void check_one_operand(const Transfer& transfer);

// Carries out the command, and prints one line about it.
int run(const Transfer& transfer);

}  // namespace cli
