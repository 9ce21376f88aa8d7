#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace cli {

// An option as a user types it.
struct OptionWords {
  std::vector<std::string> names;  // "-o", "--output"
  std::string help;
  std::string value;                 // "OUT"; empty if the option takes no value
  std::vector<std::string> choices;  // of the value, where there are few
  bool repeats = false;              // it may be given several times
};

// A command as its --help shows it. The command line itself is one, named "ztensor".
struct CommandWords {
  std::string name;
  std::string help;
  std::vector<std::string> usage;  // each with "ztensor NAME" before it
  std::string footer;
  std::vector<OptionWords> options;
};

// `called`: how users call the command: "ztensor NAME".
CommandWords words_of(const CLI::App& command, const std::string& called);
// The commands that `ztensor --help` lists.
std::vector<CommandWords> commands_of(const CLI::App& app);

// What `ztensor completion` prints. A script or a page ends with a newline.
std::string bash_script(const CLI::App& app);
std::string zsh_script(const CLI::App& app);
std::string fish_script(const CLI::App& app);
std::string man_page(const CLI::App& app);                               // ztensor(1)
std::string man_page(const CLI::App& app, const CommandWords& command);  // ztensor-NAME(1)

}  // namespace cli
