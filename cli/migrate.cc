#include <memory>

#include "commands.h"
#include "transfer.h"

namespace cli {

void add_migrate(CLI::App& app, Command& chosen) {
  CLI::App& command = add_command(app, "migrate", "Put a file into another generation of .zt, and check the result",
                                  {"[OPTIONS] IN -o OUT", "[OPTIONS] IN OUT"});
  const auto migrate = std::make_shared<Transfer>();
  add_transfer_options(command, *migrate);
  add_target(command, migrate->options);
  command.add_flag("--delete-original", migrate->options.delete_originals,
                   "delete IN once OUT is complete and checked against it");
  command.footer(
      "OUT is read back and compared with IN, every byte of it. What the generation cannot hold is refused\n"
      "by name, unless --lossy. Parts that are stored alike in both are moved as they are.\n\n"
      "Examples:\n"
      "  ztensor migrate old.zt -o new.zt\n"
      "  ztensor migrate model.zt -o published.zt --to 2");
  command.callback([migrate, &chosen] {
    check_one_operand(*migrate);
    migrate->options.check_output = true;
    chosen = [migrate] { return run(*migrate); };
  });
}

}  // namespace cli
