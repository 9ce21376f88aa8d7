#include <fmt/format.h>
#include <CLI/Error.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "commands.h"
#include "terminal.h"
#include "words.h"

namespace cli {
namespace {

std::string text_of(const CLI::App& app, const std::string& kind, const std::optional<std::string>& about) {
  if (kind == "bash") return bash_script(app);
  if (kind == "zsh") return zsh_script(app);
  if (kind == "fish") return fish_script(app);
  if (!about) return man_page(app);
  const std::vector<CommandWords> commands = commands_of(app);
  return man_page(app, *std::ranges::find(commands, *about, &CommandWords::name));
}

}  // namespace

void add_completion(CLI::App& app, Command& chosen) {
  CLI::App& command = add_command(app, "completion", "Print a completion script for a shell, or a manual page",
                                  {"bash|zsh|fish", "man [COMMAND]"});
  const auto operands = std::make_shared<std::vector<std::string>>();
  add_operands(command, *operands);
  command.footer(
      "A package installs all of these; pip does not.\n\n"
      "Examples:\n"
      "  ztensor completion man convert | man -l -\n"
      "  eval \"$(ztensor completion bash)\"     in ~/.bashrc\n"
      "  eval \"$(ztensor completion zsh)\"      in ~/.zshrc, behind compinit\n"
      "  ztensor completion fish | source      in ~/.config/fish/config.fish");
  command.callback([&app, operands, &chosen] {
    if (operands->empty()) throw CLI::ValidationError("bash, zsh, fish or man is needed");
    const std::string kind = operands->front();
    check_word(kind, {"bash", "zsh", "fish", "man"}, "bash, zsh, fish or man");
    std::optional<std::string> about;
    if (operands->size() > 1) about = (*operands)[1];
    if (operands->size() > (kind == "man" ? 2U : 1U)) throw CLI::ValidationError("there are too many operands");
    const std::vector<CommandWords> commands = commands_of(app);
    if (about && std::ranges::find(commands, *about, &CommandWords::name) == commands.end()) {
      throw CLI::ValidationError(fmt::format("there is no command '{}'", printable(*about)));
    }
    chosen = [&app, kind, about] {
      print(text_of(app, kind, about));
      return 0;
    };
  });
}

}  // namespace cli
