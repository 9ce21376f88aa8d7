#include <memory>

#include "commands.h"
#include "transfer.h"

namespace cli {

void add_migrate(CLI::App& app, Command& chosen) {
  CLI::App& command = add_command(app, "migrate", "Move a file to another generation of .zt, and check the result",
                                  {"[OPTIONS] IN -o OUT", "[OPTIONS] IN OUT"});
  const auto migrate = std::make_shared<Transfer>();
  add_transfer_options(command, *migrate);
  add_target(command, migrate->options);
  command.add_flag("--delete-original", migrate->options.delete_originals,
                   "delete IN after OUT is complete and was compared with it");
  command.footer(
      "Reads OUT back and compares every byte with IN. If the generation cannot hold\n"
      "something, refuses it by name, unless --lossy. Tensors keep their encoding, except\n"
      "that byte planes become raw, and all parts in canonical files of format 2.\n\n"
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
