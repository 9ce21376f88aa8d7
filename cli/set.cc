#include <fmt/format.h>
#include <CLI/Error.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "change.h"
#include "commands.h"
#include "terminal.h"
#include "ztensor/error.h"
#include "ztensor/grow.h"
#include "ztensor/info.h"
#include "ztensor/paths.h"

namespace cli {
namespace {

struct Set : Change {
  std::vector<std::string> operands;  // the file, then KEY=VALUE
  std::vector<std::string> unset;
  std::optional<std::string> tensor;
};

// Whether the text is a JSON number, of any size.
bool is_json_number(std::string_view text) {
  const auto digits = [&text] {
    const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count;
  };
  const auto passed = [&text](std::string_view any) {
    const bool there = !text.empty() && any.find(text.front()) != std::string_view::npos;
    if (there) text.remove_prefix(1);
    return there;
  };
  passed("-");
  if (!passed("0") && digits() == 0) return false;
  if (passed(".") && digits() == 0) return false;
  if (passed("eE")) {
    passed("+-");
    if (digits() == 0) return false;
  }
  return text.empty();
}

// The value of JSON; any other text is a text value.
zt::Value value_of(std::string_view key, const std::string& text) {
  try {
    return zt::json_parse(text);
  } catch (const zt::Error& error) {
    if (error.code() != zt::Code::malformed) throw;
    if (is_json_number(text)) {
      throw zt::Error(
          zt::Code::usage, "",
          fmt::format("{0}={1}: no attribute can hold this number; to store it as text, write {0}='\"{1}\"'", key,
                      text));
    }
    return zt::Value(text);
  }
}

int run(const Set& set) {
  zt::AttributeEdits edits{.unset = set.unset, .tensor = set.tensor, .durable = set.durable};
  for (std::size_t i = 1; i < set.operands.size(); ++i) {
    const std::size_t equals = set.operands[i].find('=');
    const std::string key = set.operands[i].substr(0, equals);
    edits.set.emplace_back(zt::Value(key), value_of(key, set.operands[i].substr(equals + 1)));
  }
  const zt::AttributeReport report = zt::set_attributes(zt::path_of(set.file), edits);
  if (set.json) {
    print(fmt::format(R"({{"file": {}, "set": {}, "unset": {}}})"
                      "\n",
                      zt::json_quote(set.file), report.set, report.unset));
  } else if (!set.quiet) {
    std::string unset = edits.unset.empty() ? "" : fmt::format(", {} unset", report.unset);
    if (report.absent > 0) unset += fmt::format(" ({} did not exist)", report.absent);
    print(fmt::format("{}: {} set{}\n", printable(set.file), count_text(report.set, "attribute"), unset));
  }
  return 0;
}

}  // namespace

void add_set(CLI::App& app, Command& chosen) {
  CLI::App& command = add_command(app, "set", "Set attributes of a file, or of one of its tensors, in place",
                                  {"[OPTIONS] FILE KEY=VALUE... [--tensor NAME]", "[OPTIONS] FILE --unset KEY"});
  const auto set = std::make_shared<Set>();
  add_operands(command, set->operands);
  command.add_option("--tensor", set->tensor, "set attributes of this tensor instead of the file")->type_name("NAME");
  command.add_option("--unset", set->unset, "remove an attribute; may be repeated")
      ->type_name("KEY")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_change_options(command, *set);
  command.footer(
      "VALUE is JSON (3, 2.5, true, null, \"3\", [1, 2], {\"a\": 1}). If it is not valid JSON,\n"
      "it is text. A number of more than 64 bits is refused. The first '=' ends the key.\n"
      "Put '--' before a KEY that begins with a dash.\n\n"
      "Example:\n"
      "  ztensor set model.zt license=MIT step=1000 tags='[\"a\", \"b\"]'");
  command.callback([set, &chosen] {
    if (set->operands.empty()) throw CLI::ValidationError("a FILE is needed");
    if (set->operands.size() == 1 && set->unset.empty())
      throw CLI::ValidationError("a KEY=VALUE is needed, or --unset KEY");
    for (std::size_t i = 1; i < set->operands.size(); ++i) {
      if (set->operands[i].find('=') == std::string::npos || set->operands[i].front() == '=') {
        throw CLI::ValidationError(fmt::format("'{}' is not of the form KEY=VALUE", printable(set->operands[i])));
      }
    }
    set->file = set->operands[0];
    chosen = [set] { return run(*set); };
  });
}

}  // namespace cli
