#include <memory>

#include "commands.h"
#include "transfer.h"

namespace cli {

void add_compress(CLI::App& app, Command& chosen) {
  CLI::App& command = add_command(app, "compress", "Write a copy in which every tensor is compressed with zstd",
                                  {"[OPTIONS] IN -o OUT", "[OPTIONS] IN OUT"});
  struct Compress : Transfer {
    std::optional<int> level;
  };
  const auto compress = std::make_shared<Compress>();
  add_transfer_options(command, *compress);
  add_level(command, compress->level);
  command.footer(
      "A part that zstd does not shrink by a sixteenth stays raw.\n\n"
      "Examples:\n"
      "  ztensor compress model.zt small.zt\n"
      "  ztensor compress model.zt -o small.zt -l 12");
  command.callback([compress, &chosen] {
    check_one_operand(*compress);
    compress->keeps_generation = true;
    compress->options.recode = zt::Encoding::zstd(compress->level.value_or(3));
    chosen = [compress] { return run(*compress); };
  });
}

}  // namespace cli
