#include <fmt/format.h>
#include <CLI/Error.hpp>
#include <CLI/Validators.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "bar.h"
#include "change.h"
#include "commands.h"
#include "terminal.h"
#include "transfer.h"
#include "ztensor/grow.h"
#include "ztensor/info.h"
#include "ztensor/paths.h"

namespace cli {
namespace {

struct Append : Change {
  std::vector<std::string> operands;
  std::vector<std::string> sources;
  zt::AppendOptions options;
  bool compress = false;
  std::optional<int> level;
  unsigned threads = 0;
};

void print_result(const Append& append, const zt::ChangeReport& report, double seconds) {
  for (const std::string& note : report.notes) print_note(note);
  for (const std::string& skipped : report.skipped) print_note("skipped " + skipped);
  note_reclaimable(append.file, report.reclaimable, report.bytes_out);
  if (append.json) {
    print(fmt::format(R"({{"file": {}, "appended": {}, "replaced": {}, "size": {}, "reclaimable": {}}})"
                      "\n",
                      zt::json_quote(append.file), report.tensors, report.replaced, report.bytes_out,
                      report.reclaimable));
  } else if (!append.quiet) {
    const std::string replaced = report.replaced == 0 ? "" : fmt::format(", {} replaced", report.replaced);
    print(fmt::format("{}: {} appended{} in {:.2f} s; the file takes {}\n", printable(append.file),
                      count_text(report.tensors, "tensor"), replaced, seconds, size_text(report.bytes_out)));
  }
}

int run(const Append& append) {
  zt::AppendOptions options = append.options;
  options.writer.durable = append.durable;
  options.writer.threads = append.threads;
  options.open.threads = append.threads;
  if (append.compress || append.level) options.recode = zt::Encoding::zstd(append.level.value_or(3));
  std::vector<std::filesystem::path> sources;
  for (const std::string& source : append.sources) sources.push_back(zt::path_of(source));
  zt::ChangeReport report;
  double seconds = 0;
  {
    Bar bar(append.quiet);
    options.progress = bar.callback();
    report = zt::append_files(zt::path_of(append.file), sources, options);
    seconds = bar.seconds();
  }
  print_result(append, report, seconds);
  return 0;
}

}  // namespace

void add_append(CLI::App& app, Command& chosen) {
  CLI::App& command = add_command(app, "append", "Put the tensors of other files into a file, in place",
                                  {"[OPTIONS] TARGET --from SRC..."});
  const auto append = std::make_shared<Append>();
  add_operands(command, append->operands);
  command.add_option("--from", append->sources, "files to take all tensors from; may be repeated")
      ->type_name("SRC")
      ->expected(1, CLI::detail::expected_max_vector_size)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_flag("--replace", append->options.replace, "replace tensors of TARGET that have the same name");
  command.add_flag("-c,--compress", append->compress, "store every tensor with zstd");
  add_level(command, append->level);
  command.add_flag("--skip-unreadable", append->options.skip_unreadable,
                   "leave out tensors that info lists as unreadable");
  add_threads(command, append->threads);
  add_change_options(command, *append);
  command.footer(
      "TARGET is made if it does not exist. It is a whole file at every moment: the old\n"
      "version until the end, then the new one. A name that TARGET already has is\n"
      "refused without --replace.\n\n"
      "Example:\n"
      "  ztensor append model.zt --from adapter.safetensors");
  command.callback([append, &chosen] {
    if (append->operands.size() != 1) {
      throw CLI::ValidationError(fmt::format("one TARGET is needed; got {}", append->operands.size()));
    }
    if (append->sources.empty()) throw CLI::ValidationError("--from SRC is needed");
    append->file = append->operands[0];
    chosen = [append] { return run(*append); };
  });
}

}  // namespace cli
