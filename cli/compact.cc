#include <fmt/format.h>
#include <CLI/Error.hpp>

#include <memory>
#include <vector>

#include "bar.h"
#include "change.h"
#include "commands.h"
#include "terminal.h"
#include "ztensor/grow.h"
#include "ztensor/info.h"
#include "ztensor/paths.h"

namespace cli {
namespace {

struct Compact : Change {
  std::vector<std::string> operands;
};

int run(const Compact& compact) {
  zt::CompactReport report;
  {
    Bar bar(compact.quiet);
    report = zt::compact(zt::path_of(compact.file), {.durable = compact.durable, .progress = bar.callback()});
  }
  for (const std::string& note : report.notes) print_note(note);
  if (compact.json) {
    print(fmt::format(R"({{"file": {}, "changed": {}, "tensors": {}, "size_before": {}, "size": {}}})"
                      "\n",
                      zt::json_quote(compact.file), report.changed, report.tensors, report.size_before,
                      report.size_after));
  } else if (!compact.quiet && !report.changed) {
    print(fmt::format("{}: nothing to give back, {}\n", printable(compact.file), size_text(report.size_after)));
  } else if (!compact.quiet) {
    print(fmt::format("{}: {}, {} -> {}\n", printable(compact.file), count_text(report.tensors, "tensor"),
                      size_text(report.size_before), size_text(report.size_after)));
  }
  return 0;
}

}  // namespace

void add_compact(CLI::App& app, Command& chosen) {
  CLI::App& command = add_command(app, "compact", "Free the bytes of a file that no tensor uses", {"[OPTIONS] FILE"});
  const auto compact = std::make_shared<Compact>();
  add_operands(command, compact->operands);
  add_change_options(command, *compact);
  command.footer(
      "Writes a new file beside FILE, reads it back and compares it, and only then\n"
      "replaces FILE. Needs as much free space as FILE takes.\n\n"
      "Example:\n"
      "  ztensor compact model.zt");
  command.callback([compact, &chosen] {
    if (compact->operands.size() != 1) {
      throw CLI::ValidationError(fmt::format("one FILE is needed; got {}", compact->operands.size()));
    }
    compact->file = compact->operands[0];
    chosen = [compact] { return run(*compact); };
  });
}

}  // namespace cli
