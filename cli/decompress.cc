#include <memory>

#include "commands.h"
#include "transfer.h"

namespace cli {

void add_decompress(CLI::App& app, Command& chosen) {
  CLI::App& command = add_command(app, "decompress", "Write a copy in which every tensor is stored raw",
                                  {"[OPTIONS] IN -o OUT", "[OPTIONS] IN OUT"});
  const auto transfer = std::make_shared<Transfer>();
  add_transfer_options(command, *transfer);
  command.footer(
      "Raw tensors can be mapped into memory and need no decoding.\n\n"
      "Example:\n"
      "  ztensor decompress small.zt -o model.zt");
  command.callback([transfer, &chosen] {
    check_one_operand(*transfer);
    transfer->keeps_generation = true;
    transfer->options.recode = zt::Encoding::raw();
    chosen = [transfer] { return run(*transfer); };
  });
}

}  // namespace cli
