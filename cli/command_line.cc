#include "command_line.h"

#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <new>
#include <string>

#include "commands.h"
#include "hints.h"
#include "platform.h"
#include "signals.h"
#include "terminal.h"
#include "ztensor/error.h"

namespace {

int print_parse_error(const CLI::App& app, const CLI::ParseError& error) {
  std::string command = "ztensor";
  std::string cause = error.what();
  if (const auto chosen = app.get_subcommands(); !chosen.empty()) {
    command += " " + chosen.front()->get_name();
  } else if (const auto unknown = app.remaining(); !unknown.empty()) {
    cause = fmt::format("there is no {} '{}'", unknown[0][0] == '-' ? "option" : "command", unknown[0]);
  } else {
    cause = "a command is needed";
  }
  cli::print_error(fmt::format("{} (see '{} --help')", cause, command));
  return 2;
}

void describe(CLI::App& app) {
  app.set_version_flag("--version", "ztensor " ZT_VERSION, "print the version and exit");
  app.set_help_flag("-h,--help", "print this and exit");
  app.require_subcommand(1);
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.get_formatter()->column_width(28);
  app.footer(
      "'ztensor COMMAND --help' says more and shows examples.\n"
      "Exit codes: 0 done, 1 failed or refused, 2 the command line is wrong;\n"
      "of diff: 0 the same, 1 different, 2 trouble.");
}

int run(CLI::App& app, int argc, char** argv) {
  cli::Command chosen;
  describe(app);
  cli::add_info(app, chosen);
  cli::add_convert(app, chosen);
  cli::add_compress(app, chosen);
  cli::add_decompress(app, chosen);
  cli::add_merge(app, chosen);
  cli::add_migrate(app, chosen);
  cli::add_verify(app, chosen);
  cli::add_diff(app, chosen);
  cli::add_delta(app, chosen);
  cli::add_apply(app, chosen);
  cli::add_fold(app, chosen);
  cli::add_id(app, chosen);
  cli::add_append(app, chosen);
  cli::add_remove(app, chosen);
  cli::add_set(app, chosen);
  cli::add_compact(app, chosen);
  cli::add_repair(app, chosen);
  cli::add_scan(app, chosen);
  cli::add_extract(app, chosen);
  cli::add_cat(app, chosen);
  cli::add_completion(app, chosen);
  int exit_code = 0;
  try {
    app.parse(argc, argv);
    exit_code = chosen();
  } catch (const CLI::CallForHelp&) {
    cli::print(app.help());
  } catch (const CLI::CallForVersion& version) {
    cli::print(std::string(version.what()) + "\n");
  } catch (const CLI::ParseError& error) {
    return print_parse_error(app, error);
  }
  cli::flush_output();
  return exit_code;
}

// Reports every error of every command.
int run_and_report(int argc, char** argv) {
  CLI::App app("Shows, converts, checks and changes files of tensors.", "ztensor");
  try {
    return run(app, argc, argv);
  } catch (const cli::ClosedPipe&) {
    return 0;
  } catch (const zt::Error& error) {
    const bool stopped = error.code() == zt::Code::cancelled && cli::interrupted() != 0;
    cli::print_error(stopped ? "interrupted" : cli::text_with_hint(error, app));
  } catch (const std::bad_alloc&) {
    cli::print_error("not enough memory");
  } catch (const std::exception& error) {
    cli::print_error(error.what());
  }
  return 1;
}

}  // namespace

int ztensor_command(int argc, char** argv) {
  cli::prepare_process();
  const int exit_code = run_and_report(argc, argv);
  if (cli::interrupted() != 0) cli::end_by(cli::interrupted());
  return exit_code;
}
