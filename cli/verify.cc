#include "ztensor/verify.h"
#include "ztensor/paths.h"

#include <fmt/format.h>
#include <CLI/Error.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bar.h"
#include "commands.h"
#include "terminal.h"

namespace cli {
namespace {

struct Verify {
  std::vector<std::string> files;
  unsigned threads = 0;
  bool quiet = false;
  bool canonical = false;
  bool deep = false;
};

zt::VerifyReport check(const std::string& file, const Verify& verify, std::size_t& tensors) {
  const zt::Source source = zt::open(zt::path_of(file), {.threads = verify.threads});
  for (const std::string& note : source.notes()) print_note(note);
  tensors = source.size();
  Bar bar(verify.quiet);
  return zt::check(source, {.shards = verify.deep, .canonical = verify.canonical, .progress = bar.callback()});
}

// Whether there is no finding about the canonical form.
bool is_canonical(const zt::VerifyReport& report) {
  return std::none_of(report.findings.begin(), report.findings.end(), [](const zt::Finding& finding) {
    return std::string_view(finding.error.rule()).starts_with("canonical.");
  });
}

// Prints each fault of the file, and returns their number.
std::size_t verify_file(const std::string& file, const Verify& verify) {
  std::size_t tensors = 0;
  const zt::VerifyReport report = check(file, verify, tensors);
  for (const zt::Finding& finding : report.findings) {
    print(fmt::format("{}\n", printable(finding.error.what())));
  }
  const std::size_t right = report.checked.size() + report.undigested.size();
  std::string summary = fmt::format("{}: {} ok, {} without digest", printable(file), count_text(right, "tensor"),
                                    report.undigested.size());
  const std::size_t unreadable = report.unreadable.size();
  if (tensors > right + unreadable) summary += fmt::format(", {} bad", tensors - right - unreadable);
  if (!report.shards.empty()) summary += fmt::format(", {} ok", count_text(report.shards.size(), "shard"));
  if (verify.canonical && report.findings.empty()) summary += ", canonical";
  if (!is_canonical(report)) summary += ", not canonical";
  if (unreadable != 0) summary += fmt::format(", {} unreadable", unreadable);
  if (!verify.quiet) print(summary + "\n");
  return report.findings.size();
}

int run(const Verify& verify) {
  std::size_t faults = 0;
  std::size_t bad_files = 0;
  for (const std::string& file : verify.files) {
    try {
      const std::size_t found = verify_file(file, verify);
      faults += found;
      bad_files += found == 0 ? 0 : 1;
    } catch (const zt::Error& error) {
      // One bad file must not hide the state of the files after it. If there is only one file, its error is the error.
      if (error.code() == zt::Code::cancelled || verify.files.size() == 1) throw;
      print(fmt::format("{}\n", printable(error.what())));
      ++faults;
      ++bad_files;
    }
  }
  if (faults == 0) return 0;
  flush_output();  // so that the error comes last, even if both go to one terminal
  const std::string where =
      verify.files.size() == 1 ? verify.files.front() : fmt::format("{} of {} files", bad_files, verify.files.size());
  print_error(fmt::format("{}: {} found", where, count_text(faults, "fault")));
  return 1;
}

}  // namespace

void add_verify(CLI::App& app, Command& chosen) {
  CLI::App& command =
      add_command(app, "verify", "Check the digests and contents of every tensor", {"[OPTIONS] FILE..."});
  const auto verify = std::make_shared<Verify>();
  add_operands(command, verify->files);
  command.add_flag("--canonical", verify->canonical, "also check that files of format 2 are canonical");
  command.add_flag("--deep", verify->deep, "also check the digest of every shard as a whole");
  add_threads(command, verify->threads);
  add_quiet(command, verify->quiet);
  command.footer(
      "Prints a line for each fault, and a line for each file (not with -q). An\n"
      "unreadable tensor is a fault. If there are faults, the last line, on standard\n"
      "error, counts them, and the exit code is 1.\n\n"
      "Examples:\n"
      "  ztensor verify model.zt backup/*.zt\n"
      "  ztensor verify --canonical published.zt");
  command.callback([verify, &chosen] {
    if (verify->files.empty()) throw CLI::ValidationError("a FILE is needed");
    chosen = [verify] { return run(*verify); };
  });
}

}  // namespace cli
