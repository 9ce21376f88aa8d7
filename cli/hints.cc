#include "hints.h"

#include <CLI/App.hpp>
#include <algorithm>
#include <string>
#include <string_view>

namespace cli {
namespace {

// The library does not know the options of this command, so its errors cannot name them.
struct Hint {
  std::string_view rule;
  const char* option;  // the hint is for commands with this option; "": for all commands
  std::string_view text;
};
constexpr Hint kHints[] = {
    {"append.taken", "--replace", "--replace replaces it"},
    {"convert.format", "--to", "-f is the format of the inputs, --to the format of the output"},
    {"repair.contents", "",
     "'ztensor verify' names the damaged tensors, and 'ztensor convert --exclude NAME' saves the others"},
    {"repair.later", "--output", "-o writes this version to another file"},
    {"repair.undigested", "--output", "-o writes it to another file, which you can check"},
    {"write.beyond", "--exclude", "--exclude NAME leaves the tensor out"},
    {"write.exists", "--force", "--force replaces it"},
    {"write.inplace", "", "write a file in another folder, and copy it over this file"},
    {"write.loss", "--lossy", "--lossy accepts the loss"},
    {"write.regular", "--output", "write a file, and copy it"},
};

// Names an option as the command does where a message has the name that the library gives it: a word such as
// "skip_unreadable" becomes "--skip-unreadable".
std::string with_own_options(std::string text, const CLI::App& command) {
  constexpr std::string_view kBefore = " (", kBehind = " ,;:.)";
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      std::string word = name;
      std::ranges::replace(word, '-', '_');
      if (word == name) continue;  // a plain word, which may stand there for itself
      for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += word.size()) {
        const std::size_t end = at + word.size();
        const bool starts =
            at != 0 && kBefore.find(text[at - 1]) != std::string_view::npos;  // a path may begin with it
        if (!starts || (end < text.size() && kBehind.find(text[end]) == std::string_view::npos)) continue;
        text.replace(at, word.size(), "--" + name);
      }
    }
  }
  return text;
}

}  // namespace

std::string text_with_hint(const zt::Error& error, const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  std::string text = chosen.empty() ? error.what() : with_own_options(error.what(), *chosen.front());
  for (const Hint& hint : kHints) {
    if (hint.rule != error.rule()) continue;
    const bool offered =
        *hint.option == '\0' || (!chosen.empty() && chosen.front()->get_option_no_throw(hint.option) != nullptr);
    if (offered) return text + "; " + std::string(hint.text);
  }
  return text;
}

}  // namespace cli
