#include "ztensor/scan.h"

#include <fmt/format.h>
#include <CLI/Error.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "commands.h"
#include "terminal.h"
#include "ztensor/error.h"
#include "ztensor/info.h"

namespace cli {
namespace {

struct ScanCommand {
  std::vector<std::string> files;
  bool json = false;
};

std::string place_of(const zt::ScannedPickle& pickle, std::uint64_t offset) {
  const std::string at = fmt::format("at byte {}", offset);
  return pickle.member.empty() ? at : fmt::format("{} of {}", at, printable(pickle.member));
}

std::string line_of(const zt::ScannedPickle& pickle, const zt::ScannedGlobal& global) {
  std::string line =
      fmt::format("  {:<8}{}.{}, {} {}", zt::risk_name(global.risk), printable(global.module), printable(global.name),
                  global.called ? "called" : "named", place_of(pickle, global.offset));
  if (global.count > 1) line += fmt::format(" and {} more", count_text(global.count - 1, "time"));
  if (pickle.nested) line += ", in a pickle inside of a pickle";
  return line + "\n";
}

void print_report(const std::string& file, const zt::ScanReport& report) {
  if (report.pickles.empty() && report.faults.empty()) {
    print(fmt::format("{}: no pickle\n", printable(file)));
    return;
  }
  print(fmt::format("{}: {} in {}\n", printable(file), zt::risk_name(report.risk),
                    count_text(report.pickles.size(), "pickle")));
  for (const zt::ScannedPickle& pickle : report.pickles) {
    for (const zt::ScannedGlobal& global : pickle.globals) print(line_of(pickle, global));
    if (pickle.fault.empty()) continue;
    print(fmt::format("  the pickle {} cannot be followed: {}\n", place_of(pickle, pickle.offset),
                      printable(pickle.fault)));
  }
  for (const std::string& fault : report.faults) print(fmt::format("  not scanned: {}\n", printable(fault)));
}

int run(const ScanCommand& scan) {
  bool is_bad = false;
  std::string documents;
  for (const std::string& file : scan.files) {
    try {
      const zt::ScanReport report = zt::scan(file);
      is_bad = is_bad || report.risk == zt::Risk::danger;
      if (scan.json) {
        documents += (documents.empty() ? "" : ", ") + zt::scan_json(file, report);
      } else {
        print_report(file, report);
      }
    } catch (const zt::Error& error) {
      // One bad file must not hide what is in the files after it.
      if (scan.files.size() == 1) throw;
      is_bad = true;
      print_error(error.what());
      documents += (documents.empty() ? "" : ", ") + (R"({"file": )" + zt::json_quote(file)) + R"(, "error": )" +
                   zt::json_quote(error.what()) + "}";
    }
  }
  if (scan.json) print(R"({"files": [)" + documents + "]}\n");
  flush_output();
  return is_bad ? 1 : 0;
}

}  // namespace

void add_scan(CLI::App& app, Command& chosen) {
  CLI::App& command =
      add_command(app, "scan", "Say what pickles would run if Python loaded them", {"[OPTIONS] FILE..."});
  const auto scan = std::make_shared<ScanCommand>();
  add_operands(command, scan->files);
  command.add_flag("--json", scan->json, "print one JSON document instead of lines");
  command.footer(
      "Reads pickles, PyTorch checkpoints, .npy and .npz files, and executes nothing.\n"
      "Prints a line for each class or function that a pickle names:\n"
      "  inert     it makes data, and nothing else\n"
      "  unknown   it runs code that this program knows nothing about\n"
      "  danger    it is known to run what the pickle says\n"
      "Exits with 1 if there is danger, or if a part of a file could not be scanned.\n\n"
      "Examples:\n"
      "  ztensor scan downloads/*.pt\n"
      "  ztensor scan model.pkl --json");
  command.callback([scan, &chosen] {
    if (scan->files.empty()) throw CLI::ValidationError("a FILE is needed");
    chosen = [scan] { return run(*scan); };
  });
}

}  // namespace cli
