#include "hints.h"

#include <string_view>

namespace cli {
namespace {

// The library knows causes, not options of this command.
struct Hint {
  std::string_view rule;
  const char* option;  // that a command must have for the hint to be of use; "": all do
  std::string_view text;
};
constexpr Hint kHints[] = {
    {"append.taken", "--replace", "--replace puts it in its place"},
    {"convert.format", "--to", "-f says what the inputs are, --to what is written"},
    {"repair.contents", "", "'ztensor convert --skip-unreadable' saves the others"},
    {"repair.later", "--output", "-o writes that version to another file"},
    {"repair.undigested", "--output", "-o writes it to another file, to be looked at"},
    {"write.exists", "--force", "--force replaces it"},
    {"write.inplace", "", "write a file in another folder, and copy it over this one"},
    {"write.loss", "--lossy", "--lossy gives it up"},
    {"write.regular", "--output", "write a file, and copy that"},
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
