#include <CLI/Error.hpp>
#include <memory>

#include "commands.h"
#include "transfer.h"

namespace cli {

void add_merge(CLI::App& app, Command& chosen) {
  CLI::App& command =
      add_command(app, "merge", "Put the tensors of several files into one", {"[OPTIONS] IN... -o OUT"});
  struct Merge : Transfer {
    bool is_float = false;
  };
  const auto transfer = std::make_shared<Merge>();
  add_transfer_options(command, *transfer);
  add_target(command, transfer->options);
  add_float(command, transfer->is_float);
  command.add_flag("--skip-unreadable", transfer->options.skip_unreadable,
                   "leave out tensors that info lists as unreadable");
  command.add_flag("--delete-original", transfer->options.delete_originals,
                   "delete the inputs after the output is complete and was compared with them");
  command.footer(
      "A name that two inputs have is refused. The array of a .npy file gets the name of\n"
      "its file. Tensors keep their encoding, except that byte planes become raw without\n"
      "--float, and all parts in canonical files of format 2.\n\n"
      "Examples:\n"
      "  ztensor merge encoder.zt decoder.zt -o model.zt\n"
      "  ztensor merge -o model.zt shard-*.zt --delete-original");
  command.callback([transfer, &chosen] {
    // We do not guess which of several files is the output: a wrong guess would destroy a file.
    if (!transfer->output) throw CLI::ValidationError("-o OUT is needed");
    check_operands(*transfer);
    transfer->options.recode = encoding_of(false, transfer->is_float, std::nullopt);
    chosen = [transfer] { return run(*transfer); };
  });
}

}  // namespace cli
