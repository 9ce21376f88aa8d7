#include "change.h"

#include <fmt/format.h>

#include "commands.h"
#include "terminal.h"

namespace cli {

void add_change_options(CLI::App& command, Change& change) {
  command.add_flag("--durable", change.durable, "sync to disk, so that the result survives a crash of the machine");
  command.add_flag("--json", change.json, "print the result as one JSON document");
  add_quiet(command, change.quiet);
}

void note_reclaimable(const std::string& file, std::uint64_t reclaimable, std::uint64_t size) {
  constexpr std::uint64_t kMuch = 1'000'000;
  if (reclaimable < kMuch || reclaimable < size / 4) return;
  print_note(fmt::format("{}: 'ztensor compact' would free {} of {}", printable(file), size_text(reclaimable),
                         size_text(size)));
}

}  // namespace cli
