#include <fmt/format.h>
#include <CLI/Error.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bar.h"
#include "change.h"
#include "commands.h"
#include "terminal.h"
#include "ztensor/convert.h"
#include "ztensor/delta.h"
#include "ztensor/info.h"
#include "ztensor/paths.h"

namespace cli {
namespace {

struct Apply : Change {
  std::vector<std::string> operands;
  std::optional<std::string> output;
  zt::ApplyOptions options;
  bool force = false;
};

// The same tensors as a new file.
int run_beside(const Apply& apply) {
  zt::ConvertReport report;
  {
    Bar bar(apply.quiet);
    zt::ConvertOptions options;
    options.overwrite = apply.force;
    options.writer.durable = apply.durable;
    options.writer.threads = options.open.threads = apply.options.threads;
    options.open.bases.push_back(
        std::make_shared<const zt::Source>(zt::open(zt::path_of(apply.operands[0]), options.open)));
    options.progress = bar.callback();
    report = zt::convert({zt::path_of(apply.operands[1])}, zt::path_of(*apply.output), options);
  }
  for (const std::string& note : report.notes) print_note(note);
  if (apply.json) {
    print(fmt::format(R"({{"output": {}, "tensors": {}, "bytes_in": {}, "bytes_out": {}}})"
                      "\n",
                      zt::json_quote(*apply.output), report.tensors, report.bytes_in, report.bytes_out));
  } else if (!apply.quiet) {
    print(fmt::format("{}: {}, {}\n", printable(*apply.output), count_text(report.tensors, "tensor"),
                      size_text(report.bytes_out)));
  }
  return 0;
}

int run(const Apply& apply) {
  zt::ApplyReport report;
  {
    Bar bar(apply.quiet);
    zt::ApplyOptions options = apply.options;
    options.durable = apply.durable;
    options.progress = bar.callback();
    report = zt::apply_delta(zt::path_of(apply.operands[0]), zt::path_of(apply.operands[1]), options);
  }
  for (const std::string& note : report.notes) print_note(note);
  const std::string& file = apply.operands[0];
  if (apply.json) {
    print(fmt::format(R"({{"file": {}, "tensors": {}, "deltas": {}, "whole": {}, "removed": {}, "bytes_in": {}, )"
                      R"("bytes_out": {}}})"
                      "\n",
                      zt::json_quote(file), report.tensors, report.deltas, report.whole, report.removed,
                      report.bytes_in, report.bytes_out));
  } else if (!apply.quiet) {
    print(fmt::format("{}: {}, {} now stored as what changed, {} added whole, {} removed; {} -> {}\n", printable(file),
                      count_text(report.tensors, "tensor"), report.deltas, report.whole, report.removed,
                      size_text(report.bytes_in), size_text(report.bytes_out)));
  }
  return 0;
}

}  // namespace

void add_apply(CLI::App& app, Command& chosen) {
  CLI::App& command = add_command(app, "apply", "Make a file what a file of changes stands for",
                                  {"[OPTIONS] FILE DELTA", "[OPTIONS] FILE DELTA -o OUT"});
  const auto apply = std::make_shared<Apply>();
  add_operands(command, apply->operands);
  command.add_flag("--verify", apply->options.verify, "check all of DELTA against FILE before it changes");
  add_output(command, apply->output, "write whole tensors to a new file, and leave FILE as it is");
  command.add_flag("--force", apply->force, "replace OUT if it exists");
  add_change_options(command, *apply);
  add_threads(command, apply->options.threads);
  command.footer(
      "FILE grows by about the size of DELTA: a tensor that changed is stored as what\n"
      "changed, over its former self, which stays and is hidden. Readers that have FILE\n"
      "open keep what they see, and a process that dies leaves the former version.\n"
      "With -o OUT, or 'ztensor convert FILE -o OUT' later, all tensors are whole.\n\n"
      "Example:\n"
      "  ztensor apply model.zt step-20.zt");
  command.callback([apply, &chosen] {
    if (apply->operands.size() != 2) {
      throw CLI::ValidationError(fmt::format("FILE and DELTA are needed; got {}", apply->operands.size()));
    }
    if (apply->output && apply->options.verify) {
      throw CLI::ValidationError("--verify is for FILE in place: with -o, all of it is checked");
    }
    if (apply->force && !apply->output) throw CLI::ValidationError("--force is for -o OUT");
    chosen = [apply] { return apply->output ? run_beside(*apply) : run(*apply); };
  });
}

}  // namespace cli
