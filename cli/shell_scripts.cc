#include <fmt/format.h>
#include <fmt/ranges.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "words.h"

// Each script completes the names of commands and options, the values of an option that has few, and file names.
namespace cli {
namespace {

// filled() replaces each @word@.
constexpr std::string_view kBash = R"sh(# bash completion of the command ztensor: eval "$(ztensor completion bash)"
_ztensor() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W @first@ -- "$word")
    return
  fi
  case "$command $before" in
@values@  esac
  if [[ -z $words ]]; then
    [[ $word == -* ]] || return 0  # a file
    case $command in
@options@    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -o filenames -F _ztensor ztensor
)sh";

constexpr std::string_view kZsh = R"sh(#compdef ztensor
# zsh completion of the command ztensor: a file _ztensor in a folder of $fpath, or eval "$(ztensor completion zsh)"
_ztensor() {
  local -a commands=(
@names@  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
@cases@    *) _files ;;
  esac
}
if [[ $funcstack[1] == _ztensor ]]; then _ztensor "$@"; else compdef _ztensor ztensor; fi
)sh";

std::string filled(std::string_view script,
                   std::initializer_list<std::pair<std::string_view, std::string_view>> texts) {
  std::string result(script);
  for (const auto& [word, text] : texts) result.replace(result.find(word), word.size(), text);
  return result;
}

// `text` with a backslash before each of `special`.
std::string escaped(std::string_view text, std::string_view special) {
  std::string result;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

// In single quotes, as bash and zsh read them.
std::string shell_quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

std::string shell_words(const std::vector<std::string>& words) {
  return shell_quoted(fmt::format("{}", fmt::join(words, " ")));
}

std::vector<std::string> names_of(const std::vector<CommandWords>& commands) {
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (const CommandWords& command : commands) names.push_back(command.name);
  return names;
}

std::vector<std::string> names_of(const std::vector<OptionWords>& options) {
  std::vector<std::string> names;
  for (const OptionWords& option : options) names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

// One specification of _arguments: '(-o --output)'{-o,--output}'[help]:OUT:_files'
std::string zsh_option(const OptionWords& option) {
  std::string text = option.repeats ? "'*'" : "";
  if (option.names.size() > 1 && !option.repeats) {
    text = fmt::format("'({})'{{{}}}", fmt::join(option.names, " "), fmt::join(option.names, ","));
  } else {
    text += option.names.front();
  }
  std::string rest = "[" + escaped(option.help, "[]\\") + "]";
  if (!option.choices.empty()) {
    rest += fmt::format(":value:({})", fmt::join(option.choices, " "));
  } else if (!option.value.empty()) {
    rest += ":" + escaped(option.value, ":\\") + ":_files";
  }
  return text + shell_quoted(rest);
}

std::string fish_quoted(std::string_view text) { return "'" + escaped(text, "'\\") + "'"; }

std::string fish_option(const OptionWords& option, const std::string& condition) {
  std::string line = "complete -c ztensor -n " + fish_quoted(condition);
  for (const std::string& name : option.names) {
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (!option.choices.empty()) {
    line += " -x -a " + fish_quoted(fmt::format("{}", fmt::join(option.choices, " ")));
  } else if (!option.value.empty()) {
    line += " -r";
  }
  return line + " -d " + fish_quoted(option.help) + "\n";
}

}  // namespace

std::string bash_script(const CLI::App& app) {
  const std::vector<CommandWords> commands = commands_of(app);
  std::string values, options;
  for (const CommandWords& command : commands) {
    options += fmt::format("    {}) words={} ;;\n", command.name, shell_words(names_of(command.options)));
    for (const OptionWords& option : command.options) {
      if (option.choices.empty()) continue;
      for (const std::string& name : option.names) {
        values += fmt::format("    '{} {}') words={} ;;\n", command.name, name, shell_words(option.choices));
      }
    }
  }
  std::vector<std::string> first = names_of(commands);
  for (const std::string& name : names_of(words_of(app, app.get_name()).options)) first.push_back(name);
  return filled(kBash, {{"@first@", shell_words(first)}, {"@values@", values}, {"@options@", options}});
}

std::string zsh_script(const CLI::App& app) {
  std::string names, cases;
  for (const CommandWords& command : commands_of(app)) {
    names += "    " + shell_quoted(escaped(command.name, ":") + ":" + command.help) + "\n";
    cases += fmt::format("    {})\n      _arguments -s -S", command.name);
    for (const OptionWords& option : command.options) cases += " \\\n        " + zsh_option(option);
    cases += " \\\n        '*:file:_files'\n      ;;\n";
  }
  return filled(kZsh, {{"@names@", names}, {"@cases@", cases}});
}

std::string fish_script(const CLI::App& app) {
  const std::vector<CommandWords> commands = commands_of(app);
  std::string script = "# fish completion of the command ztensor: ztensor completion fish | source\n";
  for (const OptionWords& option : words_of(app, app.get_name()).options) {
    script += fish_option(option, "__fish_use_subcommand");
  }
  for (const CommandWords& command : commands) {
    script += fmt::format("complete -c ztensor -n __fish_use_subcommand -f -a {} -d {}\n", command.name,
                          fish_quoted(command.help));
  }
  for (const CommandWords& command : commands) {
    for (const OptionWords& option : command.options) {
      script += fish_option(option, "__fish_seen_subcommand_from " + command.name);
    }
  }
  return script;
}

}  // namespace cli
