#include "commands.h"

#include <fmt/format.h>
#include <CLI/Config.hpp>  // has the virtual tables that sanitizers ask for
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace cli {
namespace {

class UsageFormatter : public CLI::Formatter {
 public:
  explicit UsageFormatter(std::vector<std::string> usage) : usage_(std::move(usage)) { column_width(28); }

  std::string make_usage(const CLI::App* /*app*/, std::string name) const override {
    std::string text;
    for (const std::string& way : usage_) text += (text.empty() ? "Usage: " : "       ") + name + " " + way + "\n";
    return text;
  }
  std::string make_positionals(const CLI::App* /*app*/) const override { return {}; }  // the usage line has them

 private:
  std::vector<std::string> usage_;
};

}  // namespace

CLI::App& add_command(CLI::App& app, const std::string& name, const std::string& description,
                      std::vector<std::string> usage) {
  CLI::App* command = app.add_subcommand(name, description);
  command->group("Commands");
  command->formatter(std::make_shared<UsageFormatter>(std::move(usage)));
  return *command;
}

void add_operands(CLI::App& command, std::vector<std::string>& operands) {
  // If extra arguments are allowed, CLI11 reads a file name in brackets, "[a]", as the list "a". If not, it takes as
  // many positionals as the least number expected; but it never checks that so many were given.
  command.add_option("operands", operands)
      ->expected(CLI::detail::expected_max_vector_size, CLI::detail::expected_max_vector_size)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
}

void check_output_name(const std::string& name) {
  if (name == "-")
    throw CLI::ValidationError("OUT must be a file, not standard output; for a file with this name, write ./-");
}

void add_output(CLI::App& command, std::optional<std::string>& output, const std::string& help) {
  command.add_option("-o,--output", output, help)->type_name("OUT")->each(check_output_name);
}

void check_word(std::string_view word, std::initializer_list<std::string_view> known, std::string_view expected) {
  const std::string_view bare = word.starts_with("zt-") ? word.substr(3) : word;
  if (std::find(known.begin(), known.end(), bare) != known.end()) return;
  throw CLI::ValidationError(fmt::format("'{}' is not one of {}", word, expected));
}

void add_quiet(CLI::App& command, bool& quiet) {
  command.add_flag("-q,--quiet", quiet, "no summary and no progress bar");
}

void add_threads(CLI::App& command, unsigned& threads) {
  command.add_option("--threads", threads, "threads to use (default: all cores that this process may use)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024))
      ->option_text("N");
}

}  // namespace cli
