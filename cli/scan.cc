#include "ztensor/scan.h"
#include "ztensor/paths.h"

#include <fmt/format.h>
#include <CLI/Error.hpp>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "commands.h"
#include "terminal.h"
#include "ztensor/error.h"
#include "ztensor/info.h"

namespace cli {
namespace {

namespace fs = std::filesystem;

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

// The files that lie directly in a folder, by name.
std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code failed;
  fs::directory_iterator entry(zt::path_of(folder), failed);
  for (; !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
    std::error_code unknown;
    if (entry->is_regular_file(unknown)) files.push_back(zt::utf8_of(entry->path()));
  }
  if (failed) throw zt::Error::system(failed.value(), folder, "cannot be listed");
  std::ranges::sort(files);
  return files;
}

// Scans files one after another, and reports as it goes.
class Scanner {
 public:
  explicit Scanner(bool json) : json_(json) {}

  // Returns whether the file has a pickle, or may have one. `always`: reports it also if it has none.
  bool scan_file(const std::string& file, bool always) {
    const zt::ScanReport report = zt::scan(zt::path_of(file));
    const bool is_based = !report.pickles.empty() || !report.faults.empty();
    is_bad_ = is_bad_ || report.risk == zt::Risk::danger;
    if (!is_based && !always) return false;
    if (json_) {
      add_document(zt::scan_json(file, report));
    } else {
      print_report(file, report);
    }
    return is_based;
  }

  void scan_folder(const std::string& folder) {
    bool is_based = false;
    for (const std::string& file : files_in(folder)) {
      trying(file, [&] { is_based = scan_file(file, false) || is_based; });
    }
    if (!is_based && !json_) print(fmt::format("{}: no pickle\n", printable(folder)));
  }

  // One bad file must not hide what is in the files after it.
  template <class Work>
  void trying(const std::string& file, Work&& work) {
    try {
      work();
    } catch (const zt::Error& error) {
      is_bad_ = true;
      print_error(error.what());
      add_document(R"({"file": )" + zt::json_quote(file) + R"(, "error": )" + zt::json_quote(error.what()) + "}");
    }
  }

  int finish() const {
    if (json_) print(R"({"files": [)" + documents_ + "]}\n");
    flush_output();
    return is_bad_ ? 1 : 0;
  }

 private:
  void add_document(const std::string& document) { documents_ += (documents_.empty() ? "" : ", ") + document; }

  bool json_;
  bool is_bad_ = false;
  std::string documents_;
};

int run(const ScanCommand& scan) {
  Scanner scanner(scan.json);
  for (const std::string& operand : scan.files) {
    std::error_code unknown;
    const auto work = [&] {
      if (fs::is_directory(zt::path_of(operand), unknown)) return scanner.scan_folder(operand);
      static_cast<void>(scanner.scan_file(operand, true));
    };
    if (scan.files.size() == 1) {
      work();
    } else {
      scanner.trying(operand, work);
    }
  }
  return scanner.finish();
}

}  // namespace

void add_scan(CLI::App& app, Command& chosen) {
  CLI::App& command =
      add_command(app, "scan", "Say what pickles would run if Python loaded them", {"[OPTIONS] FILE..."});
  const auto scan = std::make_shared<ScanCommand>();
  add_operands(command, scan->files);
  command.add_flag("--json", scan->json, "print one JSON document instead of lines");
  command.footer(
      "Reads pickles, PyTorch checkpoints, .npy and .npz files, and executes nothing. FILE may\n"
      "be a folder: then the files directly in the folder that have a pickle are reported.\n"
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
