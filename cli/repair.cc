#include <fmt/format.h>
#include <CLI/Error.hpp>

#include <memory>
#include <optional>
#include <string_view>
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

using State = zt::RepairReport::State;

struct Repair : Change {
  std::vector<std::string> operands;
  std::optional<std::string> output;
  bool force = false;
  bool dry_run = false;
};

std::string_view state_name(State state) {
  switch (state) {
    case State::healthy: return "healthy";
    case State::unfinished: return "unfinished";
    case State::torn: break;
  }
  return "torn";
}

std::string summary(const Repair& repair, const zt::RepairReport& report) {
  const std::string name = printable(repair.file);
  if (report.state == State::healthy) {
    const bool copied = repair.output && !repair.dry_run;
    return fmt::format("{}: nothing to repair, {}{}; 'ztensor verify' checks their contents\n", name,
                       count_text(report.tensors, "tensor"), copied ? "; copied to " + printable(*repair.output) : "");
  }
  const std::string cause = report.state == State::torn ? "its end is torn" : "an append was killed";
  const std::string_view change = report.size_after < report.size_before ? "cut" : "given a new end";
  const std::string done = repair.output ? "written to " + printable(*repair.output) : std::string(change);
  return fmt::format("{}: {}; the last whole version has {}: {}{}, {} bytes -> {}\n", name, cause,
                     count_text(report.tensors, "tensor"), repair.dry_run ? "would be " : "", done, report.size_before,
                     report.size_after);
}

int run(const Repair& repair) {
  zt::RepairOptions options{.dry_run = repair.dry_run, .overwrite = repair.force, .durable = repair.durable};
  if (repair.output) options.output = zt::path_of(*repair.output);
  zt::RepairReport report;
  {
    Bar bar(repair.quiet);
    options.progress = bar.callback();
    report = zt::repair(zt::path_of(repair.file), options);
  }
  for (const std::string& note : report.notes) print_note(fmt::format("{}: {}", repair.file, note));
  if (repair.json) {
    print(fmt::format(R"({{"file": {}, "state": "{}", "format": {}, "tensors": {}, "size_before": {}, "size": {}, )"
                      R"("dry_run": {}}})"
                      "\n",
                      zt::json_quote(repair.file), state_name(report.state), zt::json_quote(report.format),
                      report.tensors, report.size_before, report.size_after, repair.dry_run));
  } else if (!repair.quiet) {
    print(summary(repair, report));
  }
  return 0;
}

}  // namespace

void add_repair(CLI::App& app, Command& chosen) {
  CLI::App& command = add_command(app, "repair", "Find the last whole version of a file whose end is torn",
                                  {"[OPTIONS] FILE [-o OUT]"});
  const auto repair = std::make_shared<Repair>();
  add_operands(command, repair->operands);
  add_output(command, repair->output, "write this version to OUT, and leave FILE as it is");
  command.add_flag("--force", repair->force, "replace OUT if it exists");
  command.add_flag("--dry-run", repair->dry_run, "change nothing, and say what would be done");
  add_change_options(command, *repair);
  command.footer(
      "Without -o, cuts FILE behind this version, or gives it a new end. Does not change\n"
      "the bytes of the version. Exits with 1, and changes nothing, if FILE has no whole\n"
      "version.\n\n"
      "Examples:\n"
      "  ztensor repair model.zt --dry-run\n"
      "  ztensor repair model.zt -o rescued.zt");
  command.callback([repair, &chosen] {
    if (repair->operands.size() != 1) {
      throw CLI::ValidationError(fmt::format("one FILE is needed; got {}", repair->operands.size()));
    }
    repair->file = repair->operands[0];
    chosen = [repair] { return run(*repair); };
  });
}

}  // namespace cli
