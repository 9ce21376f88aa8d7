#include <fmt/format.h>

#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include "words.h"

namespace cli {
namespace {

// Text of a page, in which nothing is an instruction to troff. A hyphen of an option must stay one when it is copied.
std::string plain(std::string_view text) {
  std::string result;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) result += "\\&";
    line_begins = c == '\n';
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else {
      result += c;
    }
  }
  return result;
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return result;
}

std::string begin(const std::string& name, const std::string& help, const std::vector<std::string>& usage) {
  std::string page = fmt::format(".TH {} 1 \"\" \"zTensor {}\" \"User Commands\"\n", plain(upper(name)), ZT_VERSION);
  page += fmt::format(".SH NAME\n{} \\- {}\n.SH SYNOPSIS\n.nf\n", plain(name), plain(help));
  for (const std::string& way : usage) page += plain(way) + "\n";
  return page + ".fi\n";
}

std::string options_section(const std::vector<OptionWords>& options) {
  std::string page = ".SH OPTIONS\n";
  for (const OptionWords& option : options) {
    page += ".TP\n";
    for (const std::string& name : option.names) {
      page += (&name == &option.names.front() ? "\\fB" : ", \\fB") + plain(name) + "\\fR";
    }
    if (!option.value.empty()) page += " \\fI" + plain(option.value) + "\\fR";
    page += "\n" + plain(option.help) + "\n";
  }
  return page;
}

// The lines of a footer stay as --help breaks them.
std::string notes_section(const std::string& footer) {
  return footer.empty() ? "" : ".SH NOTES\n.nf\n" + plain(footer) + "\n.fi\n";
}

}  // namespace

std::string man_page(const CLI::App& app, const CommandWords& command) {
  return begin(app.get_name() + "-" + command.name, command.help, command.usage) + options_section(command.options) +
         notes_section(command.footer) + ".SH SEE ALSO\n.BR ztensor (1)\n";
}

std::string man_page(const CLI::App& app) {
  const CommandWords top = words_of(app, app.get_name());
  std::string page = begin(top.name, app.get_description(), top.usage);
  page += ".SH COMMANDS\n";
  for (const CommandWords& command : commands_of(app)) {
    page += fmt::format(".TP\n.BR {}\\-{} (1)\n{}\n", plain(top.name), plain(command.name), plain(command.help));
  }
  return page + options_section(top.options) + notes_section(top.footer);
}

}  // namespace cli
