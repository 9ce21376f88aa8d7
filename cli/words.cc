#include "words.h"

#include <CLI/Formatter.hpp>

#include <sstream>
#include <string_view>

namespace cli {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

OptionWords words_of(const CLI::Option& option) {
  OptionWords words;
  for (const std::string& name : option.get_snames()) words.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) words.names.push_back("--" + name);
  words.help = option.get_description();
  if (option.get_items_expected_max() == 0) return words;
  words.value = option.get_option_text().empty() ? option.get_type_name() : option.get_option_text();
  if (words.value == " ") words.value.clear();  // a flag with a callback, which CLI11 counts as an option
  words.repeats = option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll ||
                  option.get_expected_max() == CLI::detail::expected_max_vector_size;
  if (words.value.find('|') != std::string::npos) words.choices = split(words.value, '|');
  return words;
}

}  // namespace

CommandWords words_of(const CLI::App& command, const std::string& called) {
  constexpr std::string_view kUsage = "Usage: ";  // on the first line; as many spaces on the others
  CommandWords words{command.get_name(), command.get_description(), {}, command.get_footer(), {}};
  const auto& formatter = dynamic_cast<const CLI::Formatter&>(*command.get_formatter());
  for (const std::string& line : split(formatter.make_usage(&command, called), '\n')) {
    if (line.size() > kUsage.size()) words.usage.push_back(line.substr(kUsage.size()));
  }
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_group().empty() && option->nonpositional()) words.options.push_back(words_of(*option));
  }
  return words;
}

std::vector<CommandWords> commands_of(const CLI::App& app) {
  std::vector<CommandWords> commands;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App* each) { return !each->get_group().empty(); })) {
    commands.push_back(words_of(*command, app.get_name() + " " + command->get_name()));
  }
  return commands;
}

}  // namespace cli
