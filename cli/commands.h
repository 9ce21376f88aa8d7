#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

// Carries out the command line, and returns the exit code. Commands throw zt::Error, which main() prints.
using Command = std::function<int()>;

// Each adds its command to `app`. Parsing this command sets `chosen`, or throws CLI::ParseError.
void add_info(CLI::App& app, Command& chosen);
void add_convert(CLI::App& app, Command& chosen);
void add_compress(CLI::App& app, Command& chosen);
void add_decompress(CLI::App& app, Command& chosen);
void add_merge(CLI::App& app, Command& chosen);
void add_verify(CLI::App& app, Command& chosen);
void add_migrate(CLI::App& app, Command& chosen);
void add_diff(CLI::App& app, Command& chosen);
void add_delta(CLI::App& app, Command& chosen);
void add_apply(CLI::App& app, Command& chosen);
void add_fold(CLI::App& app, Command& chosen);
void add_id(CLI::App& app, Command& chosen);
void add_append(CLI::App& app, Command& chosen);
void add_remove(CLI::App& app, Command& chosen);
void add_set(CLI::App& app, Command& chosen);
void add_compact(CLI::App& app, Command& chosen);
void add_repair(CLI::App& app, Command& chosen);
void add_scan(CLI::App& app, Command& chosen);
void add_extract(CLI::App& app, Command& chosen);
void add_cat(CLI::App& app, Command& chosen);
void add_completion(CLI::App& app, Command& chosen);

// Adds a command. `usage`: the ways to call it, without the words "ztensor name".
CLI::App& add_command(CLI::App& app, const std::string& name, const std::string& description,
                      std::vector<std::string> usage);
// Adds arguments that are not options, any number of them.
void add_operands(CLI::App& command, std::vector<std::string>& operands);
// Adds -o OUT. OUT cannot be standard output: the output is read back, and replaces its target in one step.
void add_output(CLI::App& command, std::optional<std::string>& output, const std::string& help);
void check_output_name(const std::string& name);  // checks OUT; throws CLI::ValidationError
// Checks that a value is one of a few; generations of .zt may begin with "zt-". Throws CLI::ValidationError.
void check_word(std::string_view word, std::initializer_list<std::string_view> known, std::string_view expected);
void add_quiet(CLI::App& command, bool& quiet);
void add_threads(CLI::App& command, unsigned& threads);

}  // namespace cli
