#include <memory>

#include "commands.h"
#include "transfer.h"

namespace cli {

void add_compress(CLI::App& app, Command& chosen) {
  CLI::App& command = add_command(app, "compress", "Write a copy in which every tensor is compressed",
                                  {"[OPTIONS] IN -o OUT", "[OPTIONS] IN OUT"});
  struct Compress : Transfer {
    std::optional<int> level;
    bool is_float = false;
  };
  const auto compress = std::make_shared<Compress>();
  add_transfer_options(command, *compress);
  add_level(command, compress->level);
  add_float(command, compress->is_float);
  command.footer(
      "A part that zstd does not shrink by a sixteenth stays raw; with --float, by 3%.\n\n"
      "Examples:\n"
      "  ztensor compress model.zt small.zt\n"
      "  ztensor compress --float model.safetensors -o small.zt\n"
      "  ztensor compress model.zt -o small.zt -l 12");
  command.callback([compress, &chosen] {
    check_one_operand(*compress);
    compress->keeps_generation = true;
    compress->options.recode = encoding_of(true, compress->is_float, compress->level);
    chosen = [compress] { return run(*compress); };
  });
}

}  // namespace cli
