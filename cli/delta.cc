#include "ztensor/delta.h"

#include <fmt/format.h>
#include <CLI/Error.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bar.h"
#include "commands.h"
#include "terminal.h"
#include "ztensor/error.h"
#include "ztensor/info.h"
#include "ztensor/paths.h"

namespace cli {
namespace {

struct Delta {
  std::vector<std::string> operands;
  std::optional<std::string> output;
  std::optional<std::string> base;  // of fold
  zt::DeltaOptions options;
  bool quiet = false;
  bool json = false;
};

void print_report(const Delta& delta, const zt::DeltaFileReport& report) {
  for (const std::string& note : report.notes) print_note(note);
  if (delta.json) {
    print(fmt::format(R"({{"output": {}, "tensors": {}, "deltas": {}, "same": {}, "bytes_in": {}, "bytes_out": {}, )"
                      R"("base": {}}})"
                      "\n",
                      zt::json_quote(*delta.output), report.tensors, report.deltas, report.same, report.bytes_in,
                      report.bytes_out, zt::json_quote(report.base)));
  } else if (!delta.quiet) {
    print(fmt::format("{}: {}, {} stored as what changed, {} the same; {} -> {}\n", printable(*delta.output),
                      count_text(report.tensors, "tensor"), report.deltas, report.same, size_text(report.bytes_in),
                      size_text(report.bytes_out)));
  }
}

int run(const Delta& delta) {
  zt::DeltaFileReport report;
  {
    Bar bar(delta.quiet);
    zt::DeltaOptions options = delta.options;
    options.progress = bar.callback();
    zt::OpenOptions open;
    open.threads = options.writer.threads;
    report = zt::write_delta(zt::open(zt::path_of(delta.operands[0]), open),
                             zt::open(zt::path_of(delta.operands[1]), open), zt::path_of(*delta.output), options);
  }
  print_report(delta, report);
  return 0;
}

int run_fold(const Delta& fold) {
  zt::DeltaFileReport report;
  {
    Bar bar(fold.quiet);
    zt::DeltaOptions options = fold.options;
    options.progress = bar.callback();
    zt::OpenOptions open;
    open.threads = options.writer.threads;
    if (fold.base) open.bases.push_back(std::make_shared<const zt::Source>(zt::open(zt::path_of(*fold.base), open)));
    std::vector<std::filesystem::path> files;
    for (const std::string& name : fold.operands) files.push_back(zt::path_of(name));
    report = zt::fold_deltas(files, zt::path_of(*fold.output), options, open);
  }
  print_report(fold, report);
  return 0;
}

void add_options(CLI::App& command, Delta& delta) {
  add_operands(command, delta.operands);
  add_output(command, delta.output, "write the file of what changed here");
  command.add_flag("--patch", delta.options.patch, "store new elements, not differences: longer");
  command.add_option("--to", delta.options.writer.to, "the format of OUT: 1.2 (default) or 2")->type_name("1.2|2");
  command.add_flag("--force", delta.options.overwrite, "replace OUT if it exists");
  command.add_flag("--json", delta.json, "print a JSON report");
  add_quiet(command, delta.quiet);
  add_threads(command, delta.options.writer.threads);
}

void check_options(const Delta& delta) {
  if (!delta.output) throw CLI::ValidationError("-o OUT is needed");
  if (!delta.options.writer.to.empty()) check_word(delta.options.writer.to, {"1.2", "2"}, "1.2 or 2");
}

}  // namespace

void add_delta(CLI::App& app, Command& chosen) {
  CLI::App& command = add_command(app, "delta", "Write what changed between two files", {"[OPTIONS] BASE NEW -o OUT"});
  const auto delta = std::make_shared<Delta>();
  add_options(command, *delta);
  command.footer(
      "OUT reads as NEW does, exactly, where BASE lies beside it under its name.\n"
      "A tensor that BASE does not have in the same dtype is stored whole.\n\n"
      "Example:\n"
      "  ztensor delta base.safetensors tuned.safetensors -o tuned.zt");
  command.callback([delta, &chosen] {
    if (delta->operands.size() != 2) {
      throw CLI::ValidationError(fmt::format("BASE and NEW are needed; got {}", delta->operands.size()));
    }
    check_options(*delta);
    chosen = [delta] { return run(*delta); };
  });
}

void add_fold(CLI::App& app, Command& chosen) {
  CLI::App& command = add_command(app, "fold", "Write one file of changes for several, one after another",
                                  {"[OPTIONS] DELTA... -o OUT"});
  const auto fold = std::make_shared<Delta>();
  add_options(command, *fold);
  command.add_option("--base", fold->base, "the base of the first DELTA, if it is not beside it")->type_name("FILE");
  command.footer(
      "Each DELTA was made over the one before it. OUT reads as the last one does, and\n"
      "is over the base of the first one: the others are no longer needed.\n\n"
      "Example:\n"
      "  ztensor fold step-10.zt step-20.zt -o both.zt");
  command.callback([fold, &chosen] {
    if (fold->operands.empty()) throw CLI::ValidationError("at least one DELTA is needed");
    check_options(*fold);
    chosen = [fold] { return run_fold(*fold); };
  });
}

}  // namespace cli
