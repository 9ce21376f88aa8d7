#include <CLI/Error.hpp>
#include <memory>

#include "commands.h"
#include "transfer.h"

namespace cli {

void add_extract(CLI::App& app, Command& chosen) {
  CLI::App& command =
      add_command(app, "extract", "Put some tensors of a file into a new file", {"[OPTIONS] FILE NAME... -o OUT"});
  const auto transfer = std::make_shared<Transfer>();
  add_transfer_options(command, *transfer);
  add_target(command, transfer->options);
  command.footer(
      "The tensors keep their encoding, except byte planes, which become raw. The new\n"
      "file has the attributes of FILE.\n"
      "'ztensor convert --include GLOB' takes tensors by pattern. Put '--' before a\n"
      "name that begins with a dash.\n\n"
      "Example:\n"
      "  ztensor extract model.safetensors embed.weight head.weight -o small.zt");
  command.callback([transfer, &chosen] {
    if (!transfer->output) throw CLI::ValidationError("-o OUT is needed");
    if (transfer->operands.size() < 2) throw CLI::ValidationError("a FILE and a NAME are needed");
    transfer->options.names.assign(transfer->operands.begin() + 1, transfer->operands.end());
    transfer->operands.resize(1);
    check_operands(*transfer);
    chosen = [transfer] { return run(*transfer); };
  });
}

}  // namespace cli
