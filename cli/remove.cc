#include <fmt/format.h>
#include <CLI/Error.hpp>

#include <memory>
#include <optional>
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

struct Remove : Change {
  std::vector<std::string> operands;  // the file, then names
  std::optional<std::string> output;
  bool force = false;
};

int run(const Remove& remove) {
  const std::vector<std::string> names(remove.operands.begin() + 1, remove.operands.end());
  zt::RemoveOptions options{.durable = remove.durable, .overwrite = remove.force};
  if (remove.output) options.output = zt::path_of(*remove.output);
  zt::ChangeReport report;
  {
    Bar bar(remove.quiet);
    options.progress = bar.callback();
    report = zt::remove_tensors(zt::path_of(remove.file), names, options);
  }
  const std::string& file = remove.output.value_or(remove.file);
  for (const std::string& note : report.notes) print_note(note);
  note_reclaimable(file, report.reclaimable, report.bytes_out);
  if (remove.json) {
    print(fmt::format(R"({{"file": {}, "removed": {}, "size": {}, "reclaimable": {}}})"
                      "\n",
                      zt::json_quote(file), report.tensors, report.bytes_out, report.reclaimable));
  } else if (!remove.quiet) {
    print(fmt::format("{}: {} removed; the file takes {}\n", printable(file), count_text(report.tensors, "tensor"),
                      size_text(report.bytes_out)));
  }
  return 0;
}

}  // namespace

void add_remove(CLI::App& app, Command& chosen) {
  CLI::App& command = add_command(app, "remove", "Remove tensors from a file, in place or in a copy",
                                  {"[OPTIONS] FILE NAME... [-o OUT]"});
  const auto remove = std::make_shared<Remove>();
  add_operands(command, remove->operands);
  add_output(command, remove->output, "write a file without these tensors, and leave FILE as it is");
  command.add_flag("--force", remove->force, "replace OUT if it exists");
  add_change_options(command, *remove);
  command.footer(
      "In place, their bytes stay in FILE until 'ztensor compact FILE'. A copy does not\n"
      "have them. Put '--' before a name that begins with a dash.\n\n"
      "Example:\n"
      "  ztensor remove model.zt optimizer.m optimizer.v");
  command.callback([remove, &chosen] {
    if (remove->operands.size() < 2) throw CLI::ValidationError("a FILE and a NAME are needed");
    remove->file = remove->operands[0];
    chosen = [remove] { return run(*remove); };
  });
}

}  // namespace cli
