#include "hints.h"

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
    {"write.loss", "--lossy", "--lossy accepts this loss"},
    {"write.regular", "--output", "write a file, and copy it"},
};

}  // namespace

std::string text_with_hint(const zt::Error& error, const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  for (const Hint& hint : kHints) {
    if (hint.rule != error.rule()) continue;
    const bool offered =
        *hint.option == '\0' || (!chosen.empty() && chosen.front()->get_option_no_throw(hint.option) != nullptr);
    if (offered) return std::string(error.what()) + "; " + std::string(hint.text);
  }
  return error.what();
}

}  // namespace cli
